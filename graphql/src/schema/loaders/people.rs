//! People by id, and one by name.

use crate::database::{Database, NoAnswer};
use crate::schema::user::User;
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

const BY_ID: &str =
    "SELECT user_id, username, display_name FROM p_conversations.person WHERE user_id = ANY($1)";
const BY_NAME: &str = "SELECT user_id, username, display_name FROM p_conversations.person \
    WHERE lower(username) = $1 ORDER BY registered_at, user_id LIMIT 1";
/// No name is longer, in bytes.
const NAME_LEN_MAX: usize = 256;

pub(crate) struct People(pub(super) Database);

impl Loader<Uuid> for People {
    type Value = User;
    type Error = NoAnswer;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, User>, NoAnswer> {
        let people = self.0.rows(BY_ID, &[&ids], read).await?;
        Ok(people.into_iter().map(|person| (person.id, person)).collect())
    }
}

/// The person of that id, past any cache.
pub(crate) async fn person(database: &Database, user: Uuid) -> Result<Option<User>, NoAnswer> {
    Ok(database.rows(BY_ID, &[&[user].as_slice()], read).await?.pop())
}

/// The person of that name, whatever the case of its letters. Names are ASCII, so other letters that have an ASCII one as
/// their lower case are not folded.
pub(crate) async fn named(database: &Database, username: &str) -> Result<Option<User>, NoAnswer> {
    // PostgreSQL knows no text with a NUL in it.
    if username.len() > NAME_LEN_MAX || username.contains('\0') {
        return Ok(None);
    }
    let key = username.to_ascii_lowercase();
    Ok(database.rows(BY_NAME, &[&key], read).await?.pop())
}

fn read(row: &Row) -> Result<User, tokio_postgres::Error> {
    Ok(User {
        id: row.try_get("user_id")?,
        username: row.try_get("username")?,
        display_name: row.try_get("display_name")?,
    })
}
