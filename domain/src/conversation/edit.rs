//! Edits: a message's author may put its words differently, for a while, and who owns a group at any time. Every version is kept.

use super::message::content_form;
use super::{Conversation, Shape};
use crate::digest::Form;
use crate::event::{Content, ConversationEvent, Event, Role};
use crate::facts::Facts;
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use crate::rules::Window;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message says something else from now on. Without effect behind the message's recall, wherever the two stand in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEdited {
    pub message: Uuid,
    /// Seq of the message.
    pub message_seq: u64,
    /// The whole of it, not what changed.
    pub content: Content,
}

impl Stored for MessageEdited {
    const KIND: Kind = Kind::MESSAGE_EDITED;
    const NAME: &'static str = "message.edited";

    fn into_event(self) -> Event {
        ConversationEvent::MessageEdited(self).into()
    }
}

impl Conversation {
    pub(super) fn edit(
        &self,
        conversation: ConversationId,
        actor: UserId,
        id: Uuid,
        content: &Content,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let role = self.authorize(actor)?;
        self.may_speak(actor, role, now)?;
        let message = self
            .in_view(actor, self.standing(conversation, id, facts))
            .ok_or(Rejection::NotFound(Field::Message))?;
        if message.sender != actor {
            return Err(Rejection::Forbidden("only its author can edit a message"));
        }
        if message.forwarded.is_some() {
            return Err(Rejection::Denied {
                field: Field::Message,
                reason: "what is forwarded stays as it was said",
            });
        }
        // Who says again what it says finds it so, however late.
        if message.content == *content {
            return Ok(vec![]);
        }
        let window = facts.rules.edit_window;
        let is_owner = self.shape == Shape::Group && role == Role::Owner;
        // Where nobody edits, owners do not either.
        if !window.is_open(message.at, now) && (!is_owner || window == Window::Closed) {
            return Err(Rejection::TooLate(Field::Message));
        }
        if !same_but_for_words(&message.content, content) {
            return Err(Rejection::invalid(
                Field::Content,
                "an edit changes the text or caption only",
            ));
        }
        if message.versions >= facts.rules.versions {
            return Err(Rejection::Conflict("the message was edited too often"));
        }
        Ok(vec![ConversationEvent::MessageEdited(MessageEdited {
            message: id,
            message_seq: message.seq,
            content: content.clone(),
        })])
    }
}

/// Whether two contents differ in their text or caption at most.
fn same_but_for_words(old: &Content, new: &Content) -> bool {
    match (old, new) {
        (Content::Text { .. }, Content::Text { .. }) => true,
        (Content::Image { attachment: old, .. }, Content::Image { attachment: new, .. })
        | (Content::File { attachment: old, .. }, Content::File { attachment: new, .. }) => old == new,
        _ => false,
    }
}

pub(crate) fn edit_form(form: &mut Form, message: Uuid, content: &Content) {
    form.tag(9);
    form.id(message);
    content_form(form, content);
}
