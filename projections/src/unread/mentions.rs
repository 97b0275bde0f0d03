//! Unread mentions.

use crate::select::{Select, Sql};
use tokio_postgres::Row;
use uuid::Uuid;

static COUNTS: Sql = Sql::new(include_str!("mention_counts.sql"));

/// How often `viewer` is mentioned, by name or with everybody, in what they have not read of each of `conversations`.
pub fn mention_counts(viewer: Uuid, conversations: Vec<Uuid>) -> Select<(Uuid, i64)> {
    let read = |row: &Row| Ok((row.try_get("conversation")?, row.try_get("mentions")?));
    Select::new(&COUNTS, read).with(viewer).with(conversations)
}
