//! What members of conversations may know of one another.

use crate::select::{Select, Sql};
use tidings_domain::{RECEIPT_MEMBERS_MAX, Receipts};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static RECEIPTS: Sql = Sql::new(include_str!("receipts.sql"));

/// Which receipts the members of each of `conversations` may see, as far as the read models have come.
pub fn receipts(conversations: Vec<Uuid>) -> Select<(Uuid, Receipts)> {
    // One more than may be tells of all that are more.
    Select::new(&RECEIPTS, read)
        .with(conversations)
        .with(RECEIPT_MEMBERS_MAX as i64 + 1)
}

fn read(row: &Row) -> Result<(Uuid, Receipts), Error> {
    let (kind, members): (&str, i64) = (row.try_get("kind")?, row.try_get("members")?);
    let receipts = Receipts::of(kind == "direct", usize::try_from(members).unwrap_or(usize::MAX));
    Ok((row.try_get("conversation")?, receipts))
}
