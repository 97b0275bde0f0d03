//! Attachments that no message shows any more, or never did, and of which of those that were removed somebody may look at a report.

use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use tidings_eventlog::LaneHead;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static ORPHANS: Sql = Sql::new(include_str!("orphans.sql"));
static UNCLAIMED: Sql = Sql::new(include_str!("unclaimed.sql"));
static EVIDENCE: Sql = Sql::new(include_str!("evidence.sql"));
static IS_STORED: Sql = Sql::new(include_str!("is_stored.sql"));

/// An attachment that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// Whether nobody and no message shows it. What is reported of it makes no difference: its owner would be told by that.
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

/// Which of these attachments nothing shows, of a read model that has come to `heads`; no row where it has not, or nobody can tell.
pub fn unclaimed(attachments: Vec<Uuid>, heads: &[LaneHead]) -> Select<(Uuid, bool)> {
    let read = |row: &Row| Ok((row.try_get("attachment")?, row.try_get("unclaimed")?));
    come_to(Select::new(&UNCLAIMED, read).with(attachments), heads)
}

/// Which of these attachments a message showed that was recalled and of which a report is open, of a read model that has come to `heads`; no row where
/// it has not, or nobody can tell.
pub fn evidence(attachments: Vec<Uuid>, heads: &[LaneHead]) -> Select<(Uuid, bool)> {
    let read = |row: &Row| Ok((row.try_get("attachment")?, row.try_get("is_evidence")?));
    come_to(Select::new(&EVIDENCE, read).with(attachments), heads)
}

/// Whether somebody has, or may have, an attachment with these bytes, of a read model that has come to `heads`; no row where it has not.
pub fn is_stored(sha256: String, heads: &[LaneHead]) -> Select<bool> {
    let read = |row: &Row| row.try_get("is_stored");
    come_to(Select::new(&IS_STORED, read).with(sha256), heads)
}

fn come_to<T>(select: Select<T>, heads: &[LaneHead]) -> Select<T> {
    let lanes: Vec<i16> = heads.iter().map(|head| i16::from(head.lane)).collect();
    let positions: Vec<i64> = heads.iter().map(|head| head.head as i64).collect();
    select.with(lanes).with(positions)
}

impl Orphan {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("attachment")?,
            at: row.try_get("at")?,
            unclaimed: row.try_get("unclaimed")?,
        })
    }
}
