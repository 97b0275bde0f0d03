//! Members of conversations.

use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Somebody's present membership of a conversation.
#[derive(Clone, Debug)]
pub struct Member {
    pub user: Uuid,
    pub role: String,
    /// When they joined, the latest time.
    pub joined_at: DateTime<Utc>,
}

static PAGES: Sql = Sql::new(include_str!("members.sql"));

/// A part of the members of each of `conversations`, in the order of their ids.
pub fn members(conversations: Vec<Uuid>, range: &Range<Uuid>) -> Select<Listed<Member>> {
    let read = |row: &Row| Listed::read(row, "user_id", Member::read);
    Select::new(&PAGES, read)
        .ordered(range.order)
        .with(conversations)
        .with(range.after)
        .with(range.before)
        .with(range.rows)
}

impl Member {
    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            user: row.try_get("user_id")?,
            role: row.try_get("role")?,
            joined_at: row.try_get("joined_at")?,
        })
    }
}
