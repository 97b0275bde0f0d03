//! Cursors: how far a user has read, and how far the user's devices have been sent.

use crate::event::{Event, UserEvent};
use crate::id::ConversationId;
use crate::kind::{Kind, Stored};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place in a conversation: the position of an event, and how many messages there are up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    pub seq: u64,
    pub msg_no: u64,
}

/// How far a user has read, and how far any device of the user has been sent, gathered over a short while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorsMoved {
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub read: BTreeMap<ConversationId, Cursor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub delivered: BTreeMap<ConversationId, Cursor>,
}

impl Stored for CursorsMoved {
    const KIND: Kind = Kind::CURSORS_MOVED;
    const NAME: &'static str = "cursors.moved";

    fn into_event(self) -> Event {
        UserEvent::CursorsMoved(self).into()
    }
}

impl CursorsMoved {
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.delivered.is_empty()
    }

    /// What lies beyond `known`: cursors never move back, and one that stays where it is does not move.
    pub fn beyond(mut self, known: &Self) -> Self {
        let keep = |moved: &mut BTreeMap<ConversationId, Cursor>,
                    known: &BTreeMap<ConversationId, Cursor>| {
            moved.retain(|conversation, cursor| {
                known.get(conversation).is_none_or(|known| cursor.seq > known.seq)
            });
        };
        keep(&mut self.read, &known.read);
        keep(&mut self.delivered, &known.delivered);
        self
    }
}

/// Offline messages that waited longer than the inbox keeps them: the stored delivery cursor moved past them.
/// They stay in history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxExpired {
    pub cursors: BTreeMap<ConversationId, Cursor>,
}

impl Stored for InboxExpired {
    const KIND: Kind = Kind::INBOX_EXPIRED;
    const NAME: &'static str = "inbox.expired";

    fn into_event(self) -> Event {
        UserEvent::InboxExpired(self).into()
    }
}

pub(super) fn move_on(moved: CursorsMoved, known: &CursorsMoved) -> Vec<UserEvent> {
    let moved = moved.beyond(known);
    if moved.is_empty() {
        vec![]
    } else {
        vec![UserEvent::CursorsMoved(moved)]
    }
}
