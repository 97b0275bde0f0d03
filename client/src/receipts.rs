//! What becomes of messages behind their acks: whether they were delivered and read, as far as receipts say so.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tidings_protocol::{Ack, Event, EventKind, Receipt};
use uuid::Uuid;

use crate::{SendStatus, status::StatusSender};

/// Messages that are followed at a time. Of more, nothing is told behind their acks.
const FOLLOWED_MAX: usize = 4096;
/// Conversations of which it is remembered how far the others are. Beyond, all are forgotten.
const CONVERSATIONS_MAX: usize = 4096;

/// How far others are in a conversation.
#[derive(Debug, Clone, Copy, Default)]
struct Others {
    delivered: u64,
    read: u64,
}

/// The messages that are followed, and what has been heard of the others.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    /// Whose receipts say nothing, for they are this side's own.
    me: Option<Uuid>,
    /// By conversation and seq.
    followed: HashMap<Uuid, BTreeMap<u64, StatusSender>>,
    count: usize,
    others: HashMap<Uuid, Others>,
}

impl Receipts {
    pub(crate) fn welcomed(&mut self, me: Uuid) {
        self.me = Some(me);
    }

    /// A message is in the log; it is followed if anybody watches it.
    pub(crate) fn sent(&mut self, ack: &Ack, status: StatusSender) {
        if status.is_closed() {
            return;
        }
        if self.count >= FOLLOWED_MAX {
            self.forget_unwatched();
        }
        if self.count >= FOLLOWED_MAX {
            return;
        }
        let before = self
            .followed
            .entry(ack.conversation)
            .or_default()
            .insert(ack.seq, status);
        self.count += usize::from(before.is_none());
        // A receipt may have come first.
        if let Some(others) = self.others.get(&ack.conversation).copied() {
            self.tell(ack.conversation, others);
        }
    }

    /// How far somebody is.
    pub(crate) fn heard(&mut self, receipt: &Receipt) {
        let delivered = receipt.delivered_seq.unwrap_or(0);
        self.note(receipt.conversation, receipt.user, delivered, receipt.read_seq);
    }

    /// Whoever sends a message has read what is before it.
    pub(crate) fn event(&mut self, event: &Event) {
        if event.kind == EventKind::MessageSent
            && self.followed.contains_key(&event.conversation)
            && is_main(event)
        {
            let read = event.seq.saturating_sub(1);
            self.note(event.conversation, event.actor, read, read);
        }
    }

    /// The log has gone back in a conversation: what was heard there is of events that may be no more.
    pub(crate) fn rewound(&mut self, conversation: Uuid) {
        self.others.remove(&conversation);
        let lost = self.followed.remove(&conversation);
        self.count -= lost.map_or(0, |lost| lost.len());
    }

    fn note(&mut self, conversation: Uuid, user: Uuid, delivered: u64, read: u64) {
        if self.me.is_none_or(|me| me == user) {
            return;
        }
        if self.others.len() >= CONVERSATIONS_MAX && !self.others.contains_key(&conversation) {
            self.others.clear();
        }
        let others = self.others.entry(conversation).or_default();
        others.delivered = others.delivered.max(delivered).max(read);
        others.read = others.read.max(read);
        let others = *others;
        self.tell(conversation, others);
    }

    fn tell(&mut self, conversation: Uuid, others: Others) {
        let Some(followed) = self.followed.get_mut(&conversation) else {
            return;
        };
        let unread = followed.split_off(&others.read.saturating_add(1));
        for status in std::mem::replace(followed, unread).into_values() {
            status.send_replace(SendStatus::Read);
            self.count -= 1;
        }
        for status in followed.range(..=others.delivered).map(|(_, status)| status) {
            status.send_if_modified(|status| std::mem::replace(status, SendStatus::Delivered) != *status);
        }
        if followed.is_empty() {
            self.followed.remove(&conversation);
        }
    }

    fn forget_unwatched(&mut self) {
        self.followed.retain(|_, followed| {
            followed.retain(|_, status| !status.is_closed());
            !followed.is_empty()
        });
        self.count = self.followed.values().map(BTreeMap::len).sum();
    }
}

/// Whether a message is shown in the main line. One of a thread alone says nothing of what was read there.
fn is_main(event: &Event) -> bool {
    let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
    data["thread"].is_null() || data["also"] == true
}
