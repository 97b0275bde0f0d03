//! Who is in conversations with whom.

use crate::select::{Select, Sql};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static ACQUAINTED: Sql = Sql::new(include_str!("acquainted.sql"));
static MEMBER_IDS: Sql = Sql::new(include_str!("member_ids.sql"));
static MEMBERS_AMONG: Sql = Sql::new(include_str!("members_among.sql"));

/// Those of `users` who share a conversation with `viewer`, as far as the read models have come.
pub fn acquainted(viewer: Uuid, users: Vec<Uuid>) -> Select<Uuid> {
    Select::new(&ACQUAINTED, read).with(viewer).with(users)
}

/// Those who are members of a conversation now, `most` of them.
pub fn member_ids(conversation: Uuid, most: usize) -> Select<Uuid> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Select::new(&MEMBER_IDS, read).with(conversation).with(most)
}

/// Those of `users` who are members of a conversation now.
pub fn members_among(conversation: Uuid, users: Vec<Uuid>) -> Select<Uuid> {
    Select::new(&MEMBERS_AMONG, read).with(conversation).with(users)
}

fn read(row: &Row) -> Result<Uuid, Error> {
    row.try_get("user_id")
}
