//! What has to be looked up for one request before its lane has its turn, so that nobody waits for a lane or a table that is not theirs.

use super::{Refusal, originals, regards};
use tidings_domain::{Original, Regard, UserId};
use tidings_eventlog::Log;
use tokio::time::{Instant, timeout_at};

/// What a request asks for.
pub(crate) enum Asked {
    /// What it forwards.
    Original(originals::Asked),
    /// What its actor is to those whom it wants something of.
    Regards(regards::Asked),
}

/// What was found.
pub(super) enum Found {
    /// `None` where the actor may not see the message or has hidden it, where there is none, and where it was recalled or is withheld.
    Original(Option<Original>),
    Regards(Vec<(UserId, Regard)>),
}

/// Looks it up, until the deadline.
pub(super) async fn find(log: Log, asked: Asked, deadline: Instant) -> Result<Found, Refusal> {
    let finding = async {
        match asked {
            Asked::Original(asked) => originals::find(&log, asked).await.map(Found::Original),
            Asked::Regards(asked) => regards::find(&log, asked).await.map(Found::Regards),
        }
    };
    let found = timeout_at(deadline, finding).await;
    found.unwrap_or(Err(Refusal::Unavailable))
}
