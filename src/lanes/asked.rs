//! What has to be looked up for one request before its lane has its turn, so that nobody waits for a lane or a table that is not theirs.

use super::{Refusal, originals, regards};
use tidings_domain::{Original, Regard, UserId};
use tidings_eventlog::{Log, Pool};
use tokio::time::{Instant, timeout_at};

/// What a request asks for.
pub(crate) enum Asked {
    /// What it forwards.
    Original(originals::Asked),
    /// What its actor is to those whom it wants something of.
    Regards(regards::Asked),
}

/// Where it is looked up. Each kind has its own look-ups: where a lane or a table is slow, nobody waits who asks the other.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Original,
    Regards,
}

impl Asked {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Original(_) => Kind::Original,
            Self::Regards(_) => Kind::Regards,
        }
    }
}

/// What was found.
pub(super) enum Found {
    /// `None` where the actor may not see the message or has hidden it, where there is none, and where it was recalled or is withheld.
    Original(Option<Original>),
    Regards(Vec<(UserId, Regard)>),
}

/// Where it is looked up. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sources {
    /// For the log's own tables.
    pub(super) log: Log,
    /// For what people have hidden from themselves.
    pub(super) hidden: Pool,
    /// For what people want of others, and what they are to one another.
    pub(super) regards: Pool,
}

/// Looks it up, until the deadline.
pub(super) async fn find(sources: Sources, asked: Asked, deadline: Instant) -> Result<Found, Refusal> {
    let Sources { log, hidden, regards } = &sources;
    let finding = async {
        match asked {
            Asked::Original(asked) => originals::find(log, hidden, asked).await.map(Found::Original),
            Asked::Regards(asked) => regards::find(regards, asked).await.map(Found::Regards),
        }
    };
    let found = timeout_at(deadline, finding).await;
    found.unwrap_or(Err(Refusal::Unavailable))
}
