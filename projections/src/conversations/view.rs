//! From where on a member sees a conversation.

use crate::select::{Select, Sql};
use tokio_postgres::Row;
use uuid::Uuid;

static VISIBLE_FROM: Sql = Sql::new(include_str!("visible_from.sql"));

/// The first seq of a conversation that `viewer` sees; nothing where they are no member of it now.
pub fn visible_from(viewer: Uuid, conversation: Uuid) -> Select<i64> {
    Select::new(&VISIBLE_FROM, |row: &Row| row.try_get("visible_from"))
        .with(conversation)
        .with(viewer)
}
