//! What is forwarded: the message of another conversation is looked up before the lane of the forward has its turn, so that nobody
//! waits for a lane that is not theirs. Its own lane is asked first who may see it, behind all that was sent there before.

use super::{Refusal, Seat, facts};
use tidings_domain::{Forwarded, Original, Source, UserId};
use tidings_eventlog::{Log, Pool, Question};
use tidings_projections::hidden_among;
use tokio::sync::oneshot;

/// A message that somebody wants to forward.
pub(crate) struct Asked {
    pub(super) source: Source,
    pub(super) actor: UserId,
    /// Whether they may see its conversation, as that one's lane will answer.
    pub(super) seat: oneshot::Receiver<Result<Seat, Refusal>>,
}

/// What the message says now; `None` where the actor may not see it or has hidden it, where there is none, and where it was recalled or is withheld.
pub(super) async fn find(log: &Log, hidden: &Pool, asked: Asked) -> Result<Option<Original>, Refusal> {
    let Asked { source, actor, seat } = asked;
    let seat = match seat.await.unwrap_or(Err(Refusal::Unavailable)) {
        Ok(seat) => seat,
        Err(refusal) if refusal.is_for_strangers() => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let lane = source.conversation.lane();
    let questions = [Question {
        stream: source.conversation.0,
        command: source.message,
        mark: None,
    }];
    let subjects = match log.subjects(lane, &questions).await {
        Ok(subjects) => subjects,
        Err(error) => {
            tracing::debug!(lane, %error, "a message that is forwarded could not be looked up");
            return Err(Refusal::Unavailable);
        }
    };
    let Some(subject) = subjects.into_iter().flatten().next() else {
        return Ok(None);
    };
    // One that this version cannot read another one may.
    let message = facts::message(lane, &questions[0], &subject).ok_or(Refusal::Unavailable)?;
    let is_seen = message.seq >= seat.visible_from;
    if message.recalled
        || subject.withheld
        || !is_seen
        || is_hidden(hidden, actor, source, message.seq).await?
    {
        return Ok(None);
    }
    let own = Forwarded {
        sender: message.sender,
        at: message.at,
        conversation: source.conversation,
        message: source.message,
    };
    Ok(Some(Original {
        content: message.content,
        forwarded: message.forwarded.unwrap_or(own),
        stays: !seat.lets_forward,
    }))
}

/// Whether the actor has hidden the message from themselves, as far as the read models have come.
async fn is_hidden(pool: &Pool, actor: UserId, source: Source, seq: u64) -> Result<bool, Refusal> {
    match hidden_among(pool, actor.0, source.conversation.0, &[seq]).await {
        Ok(hidden) => Ok(hidden.has(seq)),
        Err(error) => {
            tracing::debug!(%error, "what somebody has hidden could not be looked up");
            Err(Refusal::Unavailable)
        }
    }
}
