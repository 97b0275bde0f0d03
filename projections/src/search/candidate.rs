//! Candidates: messages that may be what somebody looks for.

use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A message that may be what somebody looks for. Whether it still is, its text tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub place: CandidatePlace,
    pub message: Uuid,
    /// How well it fits, from 0.
    pub rank: f32,
}

/// A message's place among all, by when they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CandidatePlace {
    pub at: DateTime<Utc>,
    pub conversation: Uuid,
    pub seq: i64,
}

/// What is looked for, in a stretch of time.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// A `tsquery` that candidates fulfil; all do where there is none.
    pub tsquery: Option<String>,
    /// One that tells how well they do.
    pub ranked_by: Option<String>,
    /// Sent then or later.
    pub from: DateTime<Utc>,
    /// Sent before.
    pub to: DateTime<Utc>,
    /// Only what is older than this.
    pub behind: Option<CandidatePlace>,
    /// Candidates at most.
    pub rows: i64,
}

static CANDIDATES: Sql = Sql::new(include_str!("candidates.sql"));

/// Candidates in conversations of which somebody is a member, newest first. It takes as long as there are entries that fulfil the query in
/// that stretch of time, so whoever asks sees to an end, and the planner must be free to use bitmaps.
pub fn candidates(viewer: Uuid, wanted: &Wanted) -> Select<Candidate> {
    Select::new(&CANDIDATES, Candidate::read)
        .with(viewer)
        .with(wanted.tsquery.clone())
        .with(wanted.from)
        .with(wanted.to)
        .with(wanted.behind.map(|place| place.at))
        .with(wanted.behind.map(|place| place.conversation))
        .with(wanted.behind.map(|place| place.seq))
        .with(wanted.rows)
        .with(wanted.ranked_by.clone())
}

impl Candidate {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            place: CandidatePlace {
                at: row.try_get("at")?,
                conversation: row.try_get("conversation")?,
                seq: row.try_get("seq")?,
            },
            message: row.try_get("message")?,
            rank: row.try_get("rank")?,
        })
    }
}
