//! Pinned messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// The actor pinned a message, or took the pin away. A recall takes it away with an event of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PinChanged {
    pub message: Uuid,
    /// Where the message stands in the conversation.
    pub message_seq: u64,
    pub on: bool,
}

pub(crate) fn pin(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::MessagePin {
        conversation: fields.required(Field::Conversation)?,
        message: fields.required(Field::Message)?,
        on: fields.required(Field::On)?,
    })
}
