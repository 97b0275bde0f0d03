//! The reading side of the log: its sessions, what can go wrong, and how rows are read.

use crate::blame::describe;
use crate::pool::{Lease, Pool};
use crate::record::{Recorded, Standing};
use crate::subjects::Subjects;
use bytes::Bytes;
use std::future::Future;
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::Row;

pub(crate) const COLUMNS: &str =
    "lane, pos, stream, seq, msg_no, kind, ver, control, actor, at, command, idx, payload";

/// Why a read failed. Trying again later is safe.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("no connection to the log: {0}")]
    Pool(String),
    #[error("the log could not answer: {0}")]
    Database(String),
    #[error("the log did not answer within {0:?}")]
    Timeout(Duration),
}

impl From<tokio_postgres::Error> for ReadError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(describe(&error))
    }
}

/// The reading side of the log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Log {
    pool: Pool,
    timeout: Duration,
    pub(crate) subjects: Option<Subjects>,
}

impl Log {
    /// Reads through `pool`; no single read waits longer than `timeout`.
    pub fn new(pool: Pool, timeout: Duration) -> Self {
        Self {
            pool,
            timeout,
            subjects: None,
        }
    }

    /// The same log, where ranges of lanes and streams are read with how each event [stands](Recorded::standing), and
    /// [`subjects`](Self::subjects) are found. What folds the log does not need to know, and is spared the look-ups.
    #[must_use]
    pub fn knowing(mut self, subjects: Subjects) -> Self {
        self.subjects = Some(subjects);
        self
    }

    /// The same log over a [portion](Pool::portion) of the sessions.
    #[must_use]
    pub fn portion(&self, size: usize) -> Self {
        Self {
            pool: self.pool.portion(size),
            ..self.clone()
        }
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Runs one read on a borrowed session within the time-out, which cancels it.
    pub(crate) async fn bounded<T, F>(&self, read: F) -> Result<T, ReadError>
    where
        F: AsyncFnOnce(&Lease) -> Result<T, ReadError>,
    {
        let reading = async {
            let client = self
                .pool
                .get()
                .await
                .map_err(|error| ReadError::Pool(error.to_string()))?;
            read(&client).await
        };
        within(self.timeout, reading).await
    }
}

async fn within<T>(
    limit: Duration,
    reading: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    tokio::time::timeout(limit, reading)
        .await
        .unwrap_or(Err(ReadError::Timeout(limit)))
}

pub(crate) fn recorded(row: &Row) -> Result<Recorded, ReadError> {
    recorded_at(row, 0)
}

/// The same where [`COLUMNS`], with how it stands behind them, begin with column `first`.
pub(crate) fn recorded_at(row: &Row, first: usize) -> Result<Recorded, ReadError> {
    Ok(Recorded {
        lane: lane(row.try_get(first)?),
        pos: unsigned(row.try_get(first + 1)?),
        stream: row.try_get(first + 2)?,
        seq: unsigned(row.try_get(first + 3)?),
        msg_no: unsigned(row.try_get(first + 4)?),
        kind: row.try_get(first + 5)?,
        ver: row.try_get(first + 6)?,
        control: row.try_get(first + 7)?,
        actor: row.try_get(first + 8)?,
        at: row.try_get(first + 9)?,
        command: row.try_get(first + 10)?,
        idx: row.try_get(first + 11)?,
        payload: Bytes::copy_from_slice(row.try_get(first + 12)?),
        standing: Standing::numbered(row.try_get(first + 13)?),
    })
}

/// A position or seq that a caller names; one that no log reaches is behind all that there is.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The statement that finds the last place whose event is early: by what is asked of the event, and by which column a place is told.
pub(crate) fn halves(is_early: &str, at_place: &str) -> String {
    include_str!("halves.sql")
        .replace("{is_early}", is_early)
        .replace("{at_place}", at_place)
}

/// Positions are never negative in the log; a negative one would be read as 0.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(crate) fn lane(value: i16) -> u8 {
    u8::try_from(value).unwrap_or(0)
}
