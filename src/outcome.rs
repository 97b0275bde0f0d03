//! What becomes of a command: the rooms that carry it out say so, and `wire` tells clients.

use chrono::{DateTime, Utc};
use std::time::Duration;
use thiserror::Error;
use tidings_domain::{Field, Rejection};
use tidings_eventlog::Position;
use uuid::Uuid;

/// The answer to a command that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub stream: Uuid,
    /// Seq of the last event that the command wrote; 0 where its sender must not know how many there are.
    pub seq: u64,
    pub position: Position,
    pub at: DateTime<Utc>,
    /// The command was in the log already, and this is its first answer again.
    pub duplicate: bool,
    /// What the command wants waits for somebody's approval.
    pub pending: bool,
}

/// Why a command is not in the log, or is not known to be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The id was used for a command with other content.
    #[error("this id was used for another command")]
    IdReused,
    /// The conversation's members, roles or name change faster than they may.
    #[error("this conversation changes too fast")]
    TooFast { retry_after: Duration },
    /// The lane's queue is full.
    #[error("overloaded, try again")]
    Overloaded,
    /// The log did not answer in time. The command may have taken effect; sending it again with the same id is safe.
    #[error("the database is unavailable, try again")]
    Unavailable,
}

impl Refusal {
    /// Whether it says that there is no such conversation for the asker.
    pub fn is_for_strangers(&self) -> bool {
        matches!(self, Self::Rejected(Rejection::NotAMember))
    }

    /// Whether it says that there is no such link for the asker.
    pub fn is_of_a_link(&self) -> bool {
        matches!(self, Self::Rejected(Rejection::NotFound(Field::Secret)))
    }

    /// Whether it says that there is no such message elsewhere for the asker.
    pub fn is_of_a_source(&self) -> bool {
        matches!(self, Self::Rejected(Rejection::NotFound(Field::Forward)))
    }
}
