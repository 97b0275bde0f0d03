//! Forwards: messages that say what a message of another conversation, or of the same, said when they were sent.

use crate::command::Command;
use crate::digest::Form;
use crate::event::Content;
use crate::facts::Facts;
use crate::id::{ConversationId, UserId};
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The message that is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    pub conversation: ConversationId,
    pub message: Uuid,
}

/// Where the content of a message comes from. Of a message that was forwarded itself it is where that came from: the words are those of
/// whoever wrote them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarded {
    pub sender: UserId,
    /// When they sent it.
    pub at: DateTime<Utc>,
    /// For those who may see it, and nobody else.
    pub conversation: ConversationId,
    /// The same.
    pub message: Uuid,
}

/// What a message that may be forwarded says, and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    pub content: Content,
    pub forwarded: Forwarded,
    /// Its conversation lets nobody forward it.
    pub stays: bool,
}

/// What a command forwards. What its actor may not see is told from what is not there by nobody.
pub(super) fn original<'a>(command: &Command, facts: &'a Facts) -> Result<&'a Original, Rejection> {
    let original = facts
        .original(command)
        .ok_or(Rejection::NotFound(Field::Forward))?;
    if original.stays {
        return Err(Rejection::Denied {
            field: Field::Forward,
            reason: "what is said in that group stays there",
        });
    }
    Ok(original)
}

/// Of the reference alone: what the source says may be another thing by the time that the command is sent again.
pub(super) fn source_form(form: &mut Form, source: Source) {
    form.tag(4);
    form.id(source.conversation.0);
    form.id(source.message);
}
