//! What somebody says of threads for themselves: that they follow one or not, and how far they have read it.

use super::mark::Marking;
use crate::conversation::thread::{Line, none_in_direct};
use crate::event::{Event, UserEvent};
use crate::id::ConversationId;
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The user follows a thread from now on, or does not, whoever replies in it or mentions them. Of several the last one counts. Who has
/// said nothing of a thread follows it who began it, has replied in it or was mentioned in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadFollowed {
    pub conversation: ConversationId,
    /// The message that begins the thread.
    pub thread: Uuid,
    pub on: bool,
}

impl Stored for ThreadFollowed {
    const KIND: Kind = Kind::THREAD_FOLLOWED;
    const NAME: &'static str = "thread.followed";

    fn into_event(self) -> Event {
        UserEvent::ThreadFollowed(self).into()
    }
}

/// The user has read a thread up to an event of its conversation. Of several the furthest counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRead {
    pub conversation: ConversationId,
    /// The message that begins the thread.
    pub thread: Uuid,
    pub seq: u64,
}

impl Stored for ThreadRead {
    const KIND: Kind = Kind::THREAD_READ;
    const NAME: &'static str = "thread.read";

    fn into_event(self) -> Event {
        UserEvent::ThreadRead(self).into()
    }
}

/// What somebody says of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Whether they follow it.
    Followed { on: bool },
    /// How far they have read it.
    Read { seq: u64 },
}

/// A thread that is spoken of, as it is known where that is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// Where the message stands that is said to begin it; `None` where there is no such message.
    pub line: Option<Line>,
    /// Its conversation is one of two, which has no threads.
    pub is_direct: bool,
    /// How far the user is known to have read.
    pub read_seq: u64,
}

/// What is said of a thread of the conversation that a marking is about, which ends at `head`.
pub(super) fn say(
    Marking {
        conversation, root, ..
    }: &Marking,
    (thread, said): (Uuid, Said),
    head: u64,
) -> Result<Option<UserEvent>, Rejection> {
    if root.is_direct {
        return Err(none_in_direct());
    }
    match root.line {
        None => return Err(Rejection::NotFound(Field::Thread)),
        Some(Line::Main) => {}
        Some(Line::Thread | Line::Both) => {
            return Err(Rejection::invalid(
                Field::Thread,
                "a message that stands in a thread begins none",
            ));
        }
    }
    let conversation = *conversation;
    Ok(match said {
        Said::Followed { on } => Some(UserEvent::ThreadFollowed(ThreadFollowed {
            conversation,
            thread,
            on,
        })),
        Said::Read { seq } if seq == 0 || seq > head => {
            return Err(Rejection::invalid(
                Field::Seq,
                "the conversation has no such event",
            ));
        }
        Said::Read { seq } if seq <= root.read_seq => None,
        Said::Read { seq } => Some(UserEvent::ThreadRead(ThreadRead {
            conversation,
            thread,
            seq,
        })),
    })
}
