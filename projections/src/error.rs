//! What can go wrong, and whether it is an event's fault.

use crate::engine::advance::Held;
use std::time::Duration;
use thiserror::Error;
pub(crate) use tidings_eventlog::describe;
use tidings_eventlog::{Blame, ConnectError, ReadError};
use tokio_postgres::error::SqlState;

/// Why an operation on read models failed. Nothing is half done: trying again is safe.
#[derive(Debug, Error)]
pub enum ProjectionError {
    #[error("no connection to the read models: {0}")]
    Unreachable(String),
    #[error("the database refused: {0}")]
    Database(String),
    #[error("the database did not answer within {0:?}")]
    Timeout(Duration),
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The log is not dense where it must be; nothing was skipped.
    #[error("lane {lane} of the log lacks events between positions {after} and {upto}")]
    Hole { lane: u8, after: u64, upto: u64 },
    #[error("there is no projection {0:?}")]
    Unknown(String),
    /// The projection stands before an event that only a newer version of the program can read.
    #[error("{projection} waits for a newer version of this program: {reason}")]
    Newer { projection: String, reason: String },
    /// The read model is not as its statements expect.
    #[error("{projection} cannot go on: {reason}")]
    Stuck { projection: String, reason: String },
    /// It was built, and folding its events again yields something else.
    #[error("{projection} was built and is refused: {reason}")]
    Refused { projection: String, reason: String },
    #[error("another rebuild or verification is running")]
    Busy,
    #[error("no earlier tables of {0} are kept that could be gone back to")]
    NothingKept(&'static str),
    #[error("the read model {0} does not exist yet in this version")]
    Missing(&'static str),
}

impl ProjectionError {
    /// Whether another attempt may fare better.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Database(_) | Self::Timeout(_) | Self::Log(_)
        )
    }

    /// Whether the log took too long to read: fewer events at a time may be read in time.
    pub(crate) fn is_slow_read(&self) -> bool {
        matches!(self, Self::Log(ReadError::Timeout(_)))
    }
}

impl From<tokio_postgres::Error> for ProjectionError {
    fn from(error: tokio_postgres::Error) -> Self {
        match Blame::of(&error) {
            Blame::Session | Blame::Lost if error.as_db_error().is_some() || error.is_closed() => {
                Self::Unreachable(describe(&error))
            }
            _ => Self::Database(describe(&error)),
        }
    }
}

impl From<ConnectError> for ProjectionError {
    fn from(error: ConnectError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<Held> for ProjectionError {
    fn from(held: Held) -> Self {
        let Held {
            label: projection,
            reason,
            for_newer,
            ..
        } = held;
        if for_newer {
            Self::Newer { projection, reason }
        } else {
            Self::Stuck { projection, reason }
        }
    }
}

/// What an error says about the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The same attempt may succeed later.
    Transient,
    /// It took too long; fewer events at a time may succeed.
    Slow,
    /// An event's own content is the cause.
    Poison,
    /// The read model itself is not as the statements expect, whatever the event.
    Broken,
}

/// Tells what an attempt to fold may do about an error.
pub(crate) fn fault(error: &tokio_postgres::Error) -> Fault {
    if error.code() == Some(&SqlState::QUERY_CANCELED) {
        return Fault::Slow;
    }
    match Blame::of(error) {
        Blame::Statement => Fault::Poison,
        Blame::Rival | Blame::Session | Blame::Lost => Fault::Transient,
        Blame::Schema => Fault::Broken,
    }
}

/// Waits for an answer, but not for ever.
pub(crate) async fn within<T, E>(
    limit: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, ProjectionError>
where
    ProjectionError: From<E>,
{
    match tokio::time::timeout(limit, answer).await {
        Ok(answered) => Ok(answered?),
        Err(_) => Err(ProjectionError::Timeout(limit)),
    }
}
