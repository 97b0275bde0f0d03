//! Conversations, as one of their members sees them.

use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A conversation with what one of its members is told of it.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub id: Uuid,
    /// `direct` or `group`.
    pub kind: String,
    pub title: Option<String>,
    pub created_at: DateTime<Utc>,
    /// The member's role.
    pub role: String,
    pub last_seq: i64,
    /// When it was last active.
    pub last_at: DateTime<Utc>,
    /// Up to which seq the member has read it; 0 before the first time.
    pub read_seq: i64,
    /// Messages behind that which were not recalled, of people whom the member does not block.
    pub unread_count: i64,
}

/// A place in a list of conversations, newest activity first.
pub type Activity = (DateTime<Utc>, Uuid);

static BY_ID: Sql = Sql::new(include_str!("by_id.sql"));
static ACTIVITY: Sql = Sql::new(include_str!("activity.sql"));

/// The conversations of these ids of which `viewer` is a member.
pub fn by_id(viewer: Uuid, ids: Vec<Uuid>) -> Select<Conversation> {
    Select::new(&BY_ID, Conversation::read).with(viewer).with(ids)
}

/// A part of the conversations of which `viewer` is a member, newest activity first.
pub fn activity(viewer: Uuid, range: &Range<Activity>) -> Select<Listed<Conversation>> {
    let read = |row: &Row| Listed::read(row, "conversation", Conversation::read);
    by_activity(Select::new(&ACTIVITY, read).ordered(range.order), viewer, range)
}

/// Adds the values of a list by activity.
pub(crate) fn by_activity<T>(select: Select<T>, viewer: Uuid, range: &Range<Activity>) -> Select<T> {
    let (after, before) = (range.after.unzip(), range.before.unzip());
    select
        .with(viewer)
        .with(after.0)
        .with(after.1)
        .with(before.0)
        .with(before.1)
        .with(range.rows)
}

impl Conversation {
    pub(crate) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("conversation")?,
            kind: row.try_get("kind")?,
            title: row.try_get("title")?,
            created_at: row.try_get("created_at")?,
            role: row.try_get("role")?,
            last_seq: row.try_get("last_seq")?,
            last_at: row.try_get("last_at")?,
            read_seq: row.try_get("read_seq")?,
            unread_count: row.try_get("unread_count")?,
        })
    }
}
