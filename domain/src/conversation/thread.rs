//! Threads: messages of a group that hang below one of its main timeline, in a line of their own.

use super::Conversation;
use super::message::MessageSent;
use crate::event::{ConversationEvent, Event};
use crate::facts::Facts;
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a reply in a thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InThread {
    /// The message that begins the thread.
    pub root: Uuid,
    /// It is shown in the main timeline, too.
    pub also: bool,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// In the main timeline.
    Main,
    /// In a thread alone.
    Thread,
    /// In a thread and in the main timeline.
    Both,
}

impl Line {
    /// Whether the main timeline shows it. Only then it counts as unread, and is the last message of its conversation.
    pub fn is_main(self) -> bool {
        matches!(self, Self::Main | Self::Both)
    }

    /// Whether it hangs below another message.
    pub fn is_thread(self) -> bool {
        matches!(self, Self::Thread | Self::Both)
    }
}

/// How the log keeps a message that stands in a thread alone: as a kind of its own, for whether an event counts as a message is
/// told by its kind.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ThreadReplied(pub(crate) MessageSent);

impl Stored for ThreadReplied {
    const KIND: Kind = Kind::THREAD_REPLIED;
    const NAME: &'static str = "thread.replied";
    const WIRE: &'static str = MessageSent::NAME;
    const MESSAGE: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MessageSent(self.0).into()
    }
}

/// How the log keeps a message that stands in a thread and in the main timeline. A kind of its own, so that a program that knows no
/// threads does not take it for a message without one.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ThreadRepliedAlso(pub(crate) MessageSent);

impl Stored for ThreadRepliedAlso {
    const KIND: Kind = Kind::THREAD_REPLIED_ALSO;
    const NAME: &'static str = "thread.replied_also";
    const WIRE: &'static str = MessageSent::NAME;
    const MESSAGE: bool = true;
    const COUNTABLE: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MessageSent(self.0).into()
    }
}

/// Why there is no thread in a conversation of two.
pub(crate) fn none_in_direct() -> Rejection {
    Rejection::invalid(Field::Thread, "a direct conversation has no threads")
}

impl Conversation {
    /// Who sent the message that begins the thread. Refuses a reply that cannot be: threads are of groups, begin with a message of the
    /// main timeline, and have none within them. That the root was recalled ends no thread.
    pub(super) fn reply_in(
        &self,
        conversation: ConversationId,
        actor: UserId,
        thread: InThread,
        facts: &Facts,
    ) -> Result<UserId, Rejection> {
        if self.is_direct() {
            return Err(none_in_direct());
        }
        let root = facts
            .sent(conversation, thread.root)
            .filter(|_| self.has_in_view(actor, conversation, thread.root, facts))
            .ok_or(Rejection::NotFound(Field::Thread))?;
        if root.line.is_thread() {
            return Err(Rejection::invalid(
                Field::Thread,
                "a message that stands in a thread begins none",
            ));
        }
        Ok(root.sender)
    }
}
