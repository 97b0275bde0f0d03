//! Withholding: what a message says is kept from everybody while moderators look at it. It is shown again, unless it is recalled.

use super::Conversation;
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::facts::{Facts, Message};
use crate::id::{ConversationId, ReportId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use crate::text::Reason;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many messages of a conversation are withheld at the same time.
pub const WITHHELD_MAX: usize = 1_000;

/// What a message says is shown to nobody from now on, or shown again. Of several events about one message the last one counts. Without effect on a
/// message that is recalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageWithheld {
    pub message: Uuid,
    /// Seq of the message.
    pub message_seq: u64,
    /// As of a [recall](crate::event::MessageRecalled): counts leave it out for as long.
    pub message_no: u64,
    pub withheld: bool,
    /// Why, where it is withheld; members are told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

impl Stored for MessageWithheld {
    const KIND: Kind = Kind::MESSAGE_WITHHELD;
    const NAME: &'static str = "message.withheld";
    /// Nothing is done to a message while it is withheld.
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MessageWithheld(self).into()
    }
}

impl Conversation {
    /// Withholds what was reported, in conversations of any kind: whoever orders it was found to be a moderator. Whoever settles the report shows
    /// the message again, so it is not withheld behind that.
    pub(super) fn withhold(
        &self,
        conversation: ConversationId,
        actor: UserId,
        (id, report, reason): (Uuid, ReportId, &Reason),
        facts: &Facts,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        facts.reports().unsettled(actor, report)?;
        if self.withheld.has(id) {
            return Ok(vec![]);
        }
        let message = facts
            .standing(conversation, id)
            .ok_or(Rejection::NotFound(Field::Message))?;
        if self.withheld.count() >= WITHHELD_MAX {
            return Err(Rejection::Conflict(
                "too many messages of the conversation are withheld",
            ));
        }
        Ok(vec![changed(id, message, Some(reason))])
    }

    /// The same moderators show it again.
    pub(super) fn show_again(
        &self,
        conversation: ConversationId,
        id: Uuid,
        facts: &Facts,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let message = facts
            .message(conversation, id)
            .ok_or(Rejection::NotFound(Field::Message))?;
        Ok(self.shown_again(id, message).into_iter().collect())
    }

    /// That a message is shown again, where it is withheld.
    pub(super) fn shown_again(&self, id: Uuid, message: &Message) -> Option<ConversationEvent> {
        self.withheld.has(id).then(|| changed(id, message, None))
    }

    /// The message, unless it is not there, was recalled or is withheld: nobody does anything to what nobody sees.
    pub(super) fn standing<'a>(
        &self,
        conversation: ConversationId,
        id: Uuid,
        facts: &'a Facts,
    ) -> Option<&'a Message> {
        let message = facts.standing(conversation, id);
        message.filter(|_| !self.withheld.has(id))
    }
}

/// That it is withheld for a reason, or without one that it is not.
fn changed(id: Uuid, message: &Message, reason: Option<&Reason>) -> ConversationEvent {
    ConversationEvent::MessageWithheld(MessageWithheld {
        message: id,
        message_seq: message.seq,
        message_no: message.counted_no(),
        withheld: reason.is_some(),
        reason: reason.cloned(),
    })
}

pub(crate) fn withhold_form(form: &mut Form, message: Uuid, reason: &Reason) {
    form.tag(29);
    form.id(message);
    form.text(reason.as_str());
}

pub(crate) fn show_again_form(form: &mut Form, message: Uuid) {
    form.tag(30);
    form.id(message);
}
