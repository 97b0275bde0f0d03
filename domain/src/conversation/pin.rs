//! Pins: messages that a conversation keeps in view.

use super::Conversation;
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::facts::Facts;
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many messages of a conversation are pinned at the same time.
pub const PINS_MAX: usize = 250;

/// A message is pinned from now on, or no more. Of several events about one message the last one counts. Without effect on a
/// message that is recalled, wherever the two stand in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinChanged {
    pub message: Uuid,
    /// Seq of the message.
    pub message_seq: u64,
    pub on: bool,
}

impl Stored for PinChanged {
    const KIND: Kind = Kind::PIN_CHANGED;
    const NAME: &'static str = "pin.changed";
    /// How many there are decides whether one more may come.
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::PinChanged(self).into()
    }
}

impl Conversation {
    pub(super) fn pin(
        &self,
        conversation: ConversationId,
        actor: UserId,
        (id, on): (Uuid, bool),
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let role = self.authorize(actor)?;
        if !self.lets(role, self.settings.pin) {
            return Err(Rejection::Forbidden(
                "only owners and admins pin messages of a group",
            ));
        }
        self.may_speak(actor, role, now)?;
        // What was pinned behind its recall still takes a place, which can be given back.
        let message = if !on && self.pins.has(id) {
            facts.message(conversation, id)
        } else {
            self.standing(conversation, id, facts)
        };
        let message = self
            .in_view(actor, message)
            .ok_or(Rejection::NotFound(Field::Message))?;
        if self.pins.has(id) == on {
            return Ok(vec![]);
        }
        if on && self.pins.count() >= PINS_MAX {
            return Err(Rejection::Conflict(
                "the conversation has too many pinned messages",
            ));
        }
        Ok(vec![ConversationEvent::PinChanged(PinChanged {
            message: id,
            message_seq: message.seq,
            on,
        })])
    }
}

pub(crate) fn pin_form(form: &mut Form, message: Uuid, on: bool) {
    form.tag(12);
    form.id(message);
    form.tag(u8::from(on));
}
