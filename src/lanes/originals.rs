//! What is forwarded: the message of another conversation is looked up before the lane of the forward has its turn, so that nobody
//! waits for a lane that is not theirs. Its own lane is asked first who may see it, behind all that was sent there before.

use super::{Refusal, Seat, facts};
use std::fmt::Display;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{ConversationId, Event, Forwarded, Original, Source, UserEvent, UserId};
use tidings_eventlog::{Log, NoticeRange, Pool, Question, Recorded};
use tidings_projections::hidden_among;
use tokio::sync::oneshot;

/// Notices of somebody that are looked at at once, and bytes of these, about.
const NOTICES: usize = 16;
const NOTICES_BYTES: u64 = 256 << 10;

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
        || is_hidden(log, hidden, actor, (source.conversation, message.seq)).await?
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

/// Whether somebody has hidden the message at this place from themselves. The log is asked for what the read models have not come to, so
/// that whoever has the ack of a hiding, at whatever node, sends the message on no more.
async fn is_hidden(
    log: &Log,
    pool: &Pool,
    user: UserId,
    (conversation, seq): (ConversationId, u64),
) -> Result<bool, Refusal> {
    let hidden = hidden_among(pool, user.0, conversation.0, &[seq]).await;
    let hidden = hidden.map_err(|error| unknown(&error))?;
    if hidden.has(seq) {
        return Ok(true);
    }
    let mut rest = NoticeRange {
        stream: user.0,
        after: 0,
        to: u64::MAX,
    };
    // From the newest back, until one is met that is folded.
    loop {
        let found = log.find_notices(&[rest], &[NOTICES as u64]).await;
        let found = found.map_err(|error| unknown(&error))?;
        let Some(found) = found.into_iter().flatten().next() else {
            return Ok(false);
        };
        let mut page = NoticeRange {
            after: found.left_out.unwrap_or(0),
            to: found.last,
            ..rest
        };
        let mut is_folded = false;
        while page.after < page.to {
            let notices = log.notices(page, NOTICES, NOTICES_BYTES).await;
            let notices = notices.map_err(|error| unknown(&error))?;
            // Of a log that has gone back there may be nothing.
            let Some(last) = notices.last() else { break };
            page.after = last.seq;
            for notice in &notices {
                if notice.pos <= hidden.folded {
                    is_folded = true;
                } else if hides(notice, conversation, seq)? {
                    return Ok(true);
                }
            }
        }
        match found.left_out {
            Some(left_out) if !is_folded => rest.to = left_out,
            _ => return Ok(false),
        }
    }
}

/// Whether a notice says that the message at this place is hidden. One that this version cannot read another one may.
fn hides(notice: &Recorded, conversation: ConversationId, seq: u64) -> Result<bool, Refusal> {
    if !matches!(
        Kind(notice.kind),
        Kind::MESSAGES_HIDDEN | Kind::CONVERSATION_CLEARED
    ) {
        return Ok(false);
    }
    match stored::decode(notice.kind, notice.ver, &notice.payload) {
        Ok(Event::User(UserEvent::MessagesHidden(hidden))) => {
            Ok(hidden.conversation == conversation && hidden.seqs.contains(&seq))
        }
        Ok(Event::User(UserEvent::ConversationCleared(cleared))) => {
            Ok(cleared.conversation == conversation && seq <= cleared.seq)
        }
        Ok(_) => Ok(false),
        Err(error) => Err(unknown(&error)),
    }
}

fn unknown(error: &dyn Display) -> Refusal {
    tracing::debug!(%error, "what somebody has hidden could not be looked up");
    Refusal::Unavailable
}
