//! Between whom a block stands: each is hidden from the other, whoever of them it is that blocks.

use crate::select::{Select, Sql};
use tokio_postgres::Row;
use uuid::Uuid;

static APART: Sql = Sql::new(include_str!("apart.sql"));
static APART_IN: Sql = Sql::new(include_str!("apart_in.sql"));
static PARTED: Sql = Sql::new(include_str!("parted.sql"));

/// Those of `users` between whom and `viewer` a block stands.
pub fn apart(viewer: Uuid, users: Vec<Uuid>) -> Select<Uuid> {
    Select::new(&APART, |row| row.try_get("user_id"))
        .with(viewer)
        .with(users)
}

/// Those of the first `most` members of each of `conversations` between whom and `viewer` a block stands, with their conversation.
pub fn apart_in(viewer: Uuid, conversations: Vec<Uuid>, most: usize) -> Select<(Uuid, Uuid)> {
    let read = |row: &Row| Ok((row.try_get("conversation")?, row.try_get("user_id")?));
    Select::new(&APART_IN, read)
        .with(viewer)
        .with(conversations)
        .with(i64::try_from(most).unwrap_or(i64::MAX))
}

/// All of them: at most `most` whom `viewer` blocks, and as many who block `viewer`.
pub fn parted(viewer: Uuid, most: usize) -> Select<Uuid> {
    Select::new(&PARTED, |row| row.try_get("user_id"))
        .with(viewer)
        .with(i64::try_from(most).unwrap_or(i64::MAX))
}
