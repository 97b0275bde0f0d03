//! What people mark for themselves: conversations that they mute, archive, or want to come back to as unread. Notices tell it to all
//! of their devices, and nobody else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError, Timestamp,
    fields::{Field, Fields},
};

/// A conversation is muted, until a moment or for ever, or no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationMuted {
    pub conversation: Uuid,
    pub on: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The last event of the conversation then.
    pub seq: u64,
    /// How many messages there were by then.
    pub message_no: u64,
}

/// A conversation is archived, or no more. It comes back by itself with the next message, if it is not muted, and with the next that
/// mentions the user in any case; no notice says that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationArchived {
    pub conversation: Uuid,
    pub on: bool,
    /// The last event of the conversation then.
    pub seq: u64,
    /// How many messages there were by then.
    pub message_no: u64,
}

/// A conversation is marked as unread, or no more. A `read` ends it with a notice, the user's next message there without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationMarked {
    pub conversation: Uuid,
    pub unread: bool,
    /// The last event of the conversation then, where it is marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

pub(crate) fn mute(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ConversationMute {
        conversation: fields.required(Field::Conversation)?,
        on: fields.required(Field::On)?,
        until: fields.optional(Field::Until)?,
    })
}

pub(crate) fn archive(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ConversationArchive {
        conversation: fields.required(Field::Conversation)?,
        on: fields.required(Field::On)?,
    })
}

pub(crate) fn mark(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ConversationMark {
        conversation: fields.required(Field::Conversation)?,
        unread: fields.required(Field::Unread)?,
    })
}
