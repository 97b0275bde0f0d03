//! Reactions to messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// The actor set or took back a reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionChanged {
    pub message: Uuid,
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
