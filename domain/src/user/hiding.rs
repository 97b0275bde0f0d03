//! What somebody does not want to see any more: messages that they hide from themselves, and a conversation that they clear up to a place.
//!
//! It is gone for them alone. The conversation is what it was.

use super::User;
use crate::digest::{DigestKey, Form};
use crate::event::{Cursor, Event, UserEvent};
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many messages one command hides.
pub const HIDDEN_MAX: usize = 1000;

/// Messages are gone for the user, for ever. What stands at the same place of the lists is about one message; each is there once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesHidden {
    pub conversation: ConversationId,
    pub messages: Vec<Uuid>,
    /// Where they stand in the conversation.
    pub seqs: Vec<u64>,
    /// Which messages of the conversation they are; 0 of what is not counted as one.
    pub message_nos: Vec<u64>,
}

impl MessagesHidden {
    /// Each message, with its seq and its number.
    pub fn places(&self) -> impl Iterator<Item = (Uuid, u64, u64)> + '_ {
        let places = self.seqs.iter().copied().zip(self.message_nos.iter().copied());
        self.messages
            .iter()
            .copied()
            .zip(places)
            .map(|(message, (seq, no))| (message, seq, no))
    }
}

impl Stored for MessagesHidden {
    const KIND: Kind = Kind::MESSAGES_HIDDEN;
    const NAME: &'static str = "message.hidden";

    fn into_event(self) -> Event {
        UserEvent::MessagesHidden(self).into()
    }
}

/// Everything up to a place of a conversation is gone for the user, for ever. The furthest place counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationCleared {
    pub conversation: ConversationId,
    pub seq: u64,
    /// How many messages there are up to it.
    pub message_no: u64,
}

impl Stored for ConversationCleared {
    const KIND: Kind = Kind::CONVERSATION_CLEARED;
    const NAME: &'static str = "conversation.cleared";

    fn into_event(self) -> Event {
        UserEvent::ConversationCleared(self).into()
    }
}

/// A message where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub message: Uuid,
    pub place: Cursor,
}

/// What is to be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// These messages, and those of them that there are.
    Messages {
        wanted: BTreeSet<Uuid>,
        found: Vec<Found>,
    },
    /// Everything up to a seq, and the place of that, if there is one.
    UpTo { seq: u64, place: Option<Cursor> },
}

/// A wish that something of a conversation be gone for oneself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hiding {
    pub conversation: ConversationId,
    pub hidden: Hidden,
    pub is_member: bool,
}

impl Hiding {
    /// A fingerprint of what is asked for. What was found is no part of it.
    pub(crate) fn digest(&self, user: UserId, key: &DigestKey) -> i64 {
        let mut form = Form::new(key);
        form.id(user.0);
        form.id(self.conversation.0);
        match &self.hidden {
            Hidden::Messages { wanted, .. } => {
                form.tag(74);
                for message in wanted {
                    form.id(*message);
                }
            }
            Hidden::UpTo { seq, .. } => {
                form.tag(75);
                form.text(&seq.to_string());
            }
        }
        form.finish()
    }
}

impl User {
    pub(super) fn hide(hiding: Hiding) -> Result<Vec<UserEvent>, Rejection> {
        if !hiding.is_member {
            return Err(Rejection::NotAMember);
        }
        let conversation = hiding.conversation;
        let event = match hiding.hidden {
            Hidden::Messages { wanted, mut found } => {
                if wanted.is_empty() {
                    return Err(Rejection::invalid(Field::Messages, "no message is named"));
                }
                if wanted.len() > HIDDEN_MAX {
                    return Err(Rejection::TooLarge {
                        field: Field::Messages,
                        max: HIDDEN_MAX,
                    });
                }
                found.retain(|found| wanted.contains(&found.message));
                found.sort_unstable_by_key(|found| found.place);
                found.dedup();
                if found.len() < wanted.len() {
                    return Err(Rejection::NotFound(Field::Messages));
                }
                UserEvent::MessagesHidden(MessagesHidden {
                    conversation,
                    messages: found.iter().map(|found| found.message).collect(),
                    seqs: found.iter().map(|found| found.place.seq).collect(),
                    message_nos: found.iter().map(|found| found.place.msg_no).collect(),
                })
            }
            Hidden::UpTo { place: None, .. } => {
                return Err(Rejection::invalid(
                    Field::Seq,
                    "the conversation has no such event",
                ));
            }
            Hidden::UpTo {
                seq,
                place: Some(place),
            } => UserEvent::ConversationCleared(ConversationCleared {
                conversation,
                seq,
                message_no: place.msg_no,
            }),
        };
        Ok(vec![event])
    }
}
