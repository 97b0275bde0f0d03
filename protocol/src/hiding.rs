//! What people hide from themselves: messages, and what a conversation holds up to a place. Notices tell it to all of their devices, and
//! nobody else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// Messages are gone for the user. What stands at the same place of the lists is about one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessagesHidden {
    pub conversation: Uuid,
    pub messages: Vec<Uuid>,
    /// Where they stand in the conversation.
    pub seqs: Vec<u64>,
    /// Which messages of the conversation they are; 0 of what is not counted as one.
    pub message_nos: Vec<u64>,
}

/// Everything up to a place of a conversation is gone for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationCleared {
    pub conversation: Uuid,
    pub seq: u64,
    /// How many messages there are up to it.
    pub message_no: u64,
}

pub(crate) fn hide(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::MessageHide {
        conversation: fields.required(Field::Conversation)?,
        messages: fields.required(Field::Messages)?,
    })
}

pub(crate) fn clear(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ConversationClear {
        conversation: fields.required(Field::Conversation)?,
        seq: fields.integer(Field::Seq)?,
    })
}
