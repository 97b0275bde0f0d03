//! Attachments that no message shows any more, or never did.

use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static ORPHANS: Sql = Sql::new(include_str!("orphans.sql"));
static IS_STORED: Sql = Sql::new(include_str!("is_stored.sql"));

/// An attachment that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    pub id: Uuid,
    pub owner: Uuid,
    pub at: DateTime<Utc>,
    pub size: i64,
    pub sha256: String,
    /// Whether no message shows it.
    pub unclaimed: bool,
}

/// The oldest `rows` attachments behind a place that were stored before a moment.
pub fn orphans(after: (DateTime<Utc>, Uuid), before: DateTime<Utc>, rows: i64) -> Select<Orphan> {
    Select::new(&ORPHANS, Orphan::read)
        .with(after.0)
        .with(after.1)
        .with(before)
        .with(rows)
}

/// Whether somebody has, or may have, an attachment with these bytes.
pub fn is_stored(sha256: String) -> Select<bool> {
    Select::new(&IS_STORED, |row| row.try_get("is_stored")).with(sha256)
}

impl Orphan {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("attachment")?,
            owner: row.try_get("owner")?,
            at: row.try_get("at")?,
            size: row.try_get("size")?,
            sha256: row.try_get("sha256")?,
            unclaimed: row.try_get("unclaimed")?,
        })
    }
}
