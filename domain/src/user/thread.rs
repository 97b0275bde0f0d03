//! What somebody says of threads for themselves: that they follow one or not, and how far they have read it.

use super::mark::Marking;
use crate::conversation::thread::{Line, none_in_direct};
use crate::event::{Event, UserEvent};
use crate::id::ConversationId;
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
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
    /// Whether another one moves anything is decided on.
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::ThreadRead(self).into()
    }
}

/// The most threads of which a state remembers how far they were read. Those before them read models have taken in.
const REMEMBERED_MAX: usize = 256;

/// How far threads were read, as the user's own stream says it: those that were read last, and the last one of them last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ThreadsRead(VecDeque<ThreadRead>);

impl ThreadsRead {
    pub(super) fn set(&mut self, read: &ThreadRead) {
        let mut read = read.clone();
        if let Some(place) = self.place(read.conversation, read.thread)
            && let Some(before) = self.0.remove(place)
        {
            read.seq = read.seq.max(before.seq);
        }
        self.push(read);
    }

    pub(super) fn push(&mut self, read: ThreadRead) {
        self.0.push_back(read);
        if self.0.len() > REMEMBERED_MAX {
            self.0.pop_front();
        }
    }

    /// How far a thread was read; 0 where that is not remembered.
    fn seq(&self, conversation: ConversationId, thread: Uuid) -> u64 {
        let place = self.place(conversation, thread);
        place
            .and_then(|place| self.0.get(place))
            .map_or(0, |read| read.seq)
    }

    fn place(&self, conversation: ConversationId, thread: Uuid) -> Option<usize> {
        let is_it = |read: &ThreadRead| read.thread == thread && read.conversation == conversation;
        self.0.iter().position(is_it)
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ThreadRead> {
        self.0.iter()
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
    /// Where the message stands that is said to begin it; `None` where there is no such message, or the user sees neither that nor a
    /// reply to it.
    pub line: Option<Line>,
    /// Its conversation is one of two, which has no threads.
    pub is_direct: bool,
    /// How far the user is known to have read, as far as read models have come.
    pub read_seq: u64,
}

/// What is said of a thread of the conversation that a marking is about, which ends at `head`. Of how far it was read, read models may know
/// less than the stream, of which only the last is `known`.
pub(super) fn say(
    Marking {
        conversation, root, ..
    }: &Marking,
    (thread, said): (Uuid, Said),
    head: u64,
    known: &ThreadsRead,
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
        Said::Read { seq } if seq <= root.read_seq.max(known.seq(conversation, thread)) => None,
        Said::Read { seq } => Some(UserEvent::ThreadRead(ThreadRead {
            conversation,
            thread,
            seq,
        })),
    })
}
