//! People.

use crate::select::{Select, Sql};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A registered person.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: Uuid,
    pub username: String,
    pub display_name: String,
    /// There is no account any more, and no username.
    pub is_deleted: bool,
}

static BY_ID: Sql = Sql::new(include_str!("person_by_id.sql"));
static BY_NAME: Sql = Sql::new(include_str!("person_by_name.sql"));

/// The people of these ids.
pub fn people(ids: Vec<Uuid>) -> Select<Person> {
    Select::new(&BY_ID, Person::read).with(ids)
}

/// The person of this username, which is in lower case.
pub fn person_named(username: String) -> Select<Person> {
    Select::new(&BY_NAME, Person::read).with(username)
}

impl Person {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("user_id")?,
            username: row.try_get("username")?,
            display_name: row.try_get("display_name")?,
            is_deleted: row.try_get("is_deleted")?,
        })
    }
}
