//! Recalls: a message is taken back. What it said is gone for everybody; its place stays.

use super::pin::PinChanged;
use super::{Conversation, Shape};
use crate::digest::Form;
use crate::event::{ConversationEvent, Event, Role};
use crate::facts::{Facts, Message};
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use crate::text::Reason;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message was taken back, by whoever the event's actor is. It wins over every edit and reaction, before and behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecalled {
    pub message: Uuid,
    /// Seq of the message.
    pub message_seq: u64,
    /// How many messages the main timeline has up to and including it, so that counts can leave it out; 0 of one that stands in a
    /// thread alone, and is in no count.
    pub message_no: u64,
    /// Why, where a moderator did it, who need be no member.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

impl Stored for MessageRecalled {
    const KIND: Kind = Kind::MESSAGE_RECALLED;
    const NAME: &'static str = "message.recalled";

    fn into_event(self) -> Event {
        ConversationEvent::MessageRecalled(self).into()
    }
}

impl Conversation {
    pub(super) fn recall(
        &self,
        conversation: ConversationId,
        actor: UserId,
        id: Uuid,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let role = self.authorize(actor)?;
        let message = self
            .in_view(actor, facts.message(conversation, id))
            .ok_or(Rejection::NotFound(Field::Message))?;
        if !self.rules_over(actor, role, message) {
            if message.sender != actor {
                return Err(Rejection::Forbidden(
                    "only its author, an admin over members or an owner can recall a message",
                ));
            }
            // Who recalls again what is recalled finds it so, however late.
            if !message.recalled && !facts.rules.recall_window.is_open(message.at, now) {
                return Err(Rejection::TooLate(Field::Message));
            }
        }
        Ok(self.withdraw(id, message, None))
    }

    /// Takes back what was reported, in conversations of any kind: whoever orders it was found to be a moderator.
    pub(super) fn moderate(
        &self,
        conversation: ConversationId,
        id: Uuid,
        reason: &Reason,
        facts: &Facts,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let message = facts
            .message(conversation, id)
            .ok_or(Rejection::NotFound(Field::Message))?;
        Ok(self.withdraw(id, message, Some(reason)))
    }

    fn withdraw(&self, id: Uuid, message: &Message, reason: Option<&Reason>) -> Vec<ConversationEvent> {
        if message.recalled {
            return vec![];
        }
        let unpinned = self
            .pins
            .has(id)
            .then_some(ConversationEvent::PinChanged(PinChanged {
                message: id,
                message_seq: message.seq,
                on: false,
            }));
        let recalled = ConversationEvent::MessageRecalled(MessageRecalled {
            message: id,
            message_seq: message.seq,
            message_no: message.counted_no(),
            reason: reason.cloned(),
        });
        // The ack names the last event, which is what was asked for.
        let before = unpinned.into_iter().chain(self.shown_again(id, message));
        before.chain([recalled]).collect()
    }

    /// Whether somebody's role lets them recall the message at any time: owners whatever was sent, admins their own and what members
    /// sent. Who has left is an ordinary member here.
    fn rules_over(&self, actor: UserId, role: Role, message: &Message) -> bool {
        let sender = self.role(message.sender).unwrap_or(Role::Member);
        let is_below = sender == Role::Member || message.sender == actor;
        self.shape == Shape::Group && (role == Role::Owner || role == Role::Admin && is_below)
    }
}

pub(crate) fn moderate_form(form: &mut Form, message: Uuid, reason: &Reason) {
    form.tag(24);
    form.id(message);
    form.text(reason.as_str());
}

pub(crate) fn recall_form(form: &mut Form, message: Uuid) {
    form.tag(10);
    form.id(message);
}
