//! Reactions to messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// The actor set or took back a reaction. On a recalled message it has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionChanged {
    pub message: Uuid,
    /// Where the message stands in the conversation.
    pub message_seq: u64,
    /// One grapheme, or `:name:`.
    pub emoji: String,
    pub on: bool,
}

pub(crate) fn react(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::MessageReact {
        conversation: fields.required(Field::Conversation)?,
        message: fields.required(Field::Message)?,
        emoji: fields.required(Field::Emoji)?,
        on: fields.required(Field::On)?,
    })
}
