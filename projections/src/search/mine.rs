//! Where somebody may find something.

use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A conversation of which somebody is a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mine {
    pub conversation: Uuid,
    pub title: Option<String>,
    /// What the database took for the time.
    pub now: DateTime<Utc>,
}

static MINE: Sql = Sql::new(include_str!("mine.sql"));

/// Conversations of which somebody is a member, `rows` at most: all of them, or those that have one of these titles, as it stands or in
/// small letters, or one of these ids.
pub fn mine(viewer: Uuid, named: Option<Vec<String>>, rows: i64) -> Select<Mine> {
    Select::new(&MINE, Mine::read).with(viewer).with(named).with(rows)
}

impl Mine {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            conversation: row.try_get("conversation")?,
            title: row.try_get("title")?,
            now: row.try_get("now")?,
        })
    }
}
