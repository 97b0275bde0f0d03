//! What can go wrong, and whether it is an event's fault.

use deadpool_postgres::PoolError;
use std::time::Duration;
use thiserror::Error;
use tidings_eventlog::ReadError;

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
    #[error("another rebuild or verification is running")]
    Busy,
    #[error("the read model {0} does not exist yet")]
    Missing(&'static str),
}

impl From<tokio_postgres::Error> for ProjectionError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(describe(&error))
    }
}

impl From<PoolError> for ProjectionError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Unreachable(describe(&error)),
            other => Self::Unreachable(other.to_string()),
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

/// Judges by the class of the SQLSTATE.
pub(crate) fn fault(error: &tokio_postgres::Error) -> Fault {
    let Some(db) = error.as_db_error() else {
        return Fault::Transient;
    };
    let code = db.code().code();
    match code.get(..2).unwrap_or(code) {
        _ if code == "57014" => Fault::Slow,
        // Data, integrity, a limit of the database, and an exception raised on purpose.
        "22" | "23" | "54" | "P0" => Fault::Poison,
        // Connection, rollback, resources, locks, intervention, system.
        "08" | "40" | "53" | "55" | "57" | "58" | "25" => Fault::Transient,
        _ => Fault::Broken,
    }
}

/// The server's own message where there is one. Its details, which may quote what people wrote, are left out.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => error.to_string(),
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
