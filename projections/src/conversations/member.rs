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
static BY_ID: Sql = Sql::new(include_str!("member_by_id.sql"));

/// A part of the members of each of `conversations`, in the order of their ids.
pub fn members(conversations: Vec<Uuid>, range: &Range<Uuid>) -> Select<Listed<Member>> {
    let read = |row: &Row| Listed::read(row, "user_id", Member::read);
    Select::new(&PAGES, read).with(conversations).within(range)
}

/// The memberships of those of `users` who are members of the conversations in the same places, each with its conversation.
pub fn members_by_id(conversations: Vec<Uuid>, users: Vec<Uuid>) -> Select<(Uuid, Member)> {
    let read = |row: &Row| Ok((row.try_get("conversation")?, Member::read(row)?));
    Select::new(&BY_ID, read).with(conversations).with(users)
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
