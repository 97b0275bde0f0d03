//! Between whom a block stands: neither of the two is shown the other, whoever of them it is that blocks.

use crate::select::{Select, Sql};
use uuid::Uuid;

static APART: Sql = Sql::new(include_str!("apart.sql"));
static PARTED: Sql = Sql::new(include_str!("parted.sql"));

/// Those of `users` between whom and `viewer` a block stands.
pub fn apart(viewer: Uuid, users: Vec<Uuid>) -> Select<Uuid> {
    Select::new(&APART, |row| row.try_get("user_id"))
        .with(viewer)
        .with(users)
}

/// All of them: at most `most` whom `viewer` blocks, and as many who block `viewer`.
pub fn parted(viewer: Uuid, most: usize) -> Select<Uuid> {
    Select::new(&PARTED, |row| row.try_get("user_id"))
        .with(viewer)
        .with(i64::try_from(most).unwrap_or(i64::MAX))
}
