//! Messages: sent, edited, recalled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, Content, ParseError,
    fields::{Field, Fields},
};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    pub message: Uuid,
    /// `null` where the message has been recalled since: what is read from the log afterwards comes without it.
    pub content: Option<Content>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Uuid>,
    /// The message that begins the thread in which it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Uuid>,
    /// Who sent the message that begins the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_author: Option<Uuid>,
    /// It stands in a thread and is shown in the main timeline, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub also: bool,
}

/// A message says something else now, unless it has been recalled at a lower seq: then this has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageEdited {
    pub message: Uuid,
    /// Where the message stands in the conversation.
    pub message_seq: u64,
    /// `null` where the message has been recalled since.
    pub content: Option<Content>,
}

/// A message was taken back, by the actor: its content, edits and reactions are gone, its place stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageRecalled {
    pub message: Uuid,
    /// Where the message stands in the conversation.
    pub message_seq: u64,
}

pub(crate) fn send(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::MessageSend {
        conversation: fields.required(Field::Conversation)?,
        content: fields.required(Field::Content)?,
        reply_to: fields.optional(Field::ReplyTo)?,
        mentions: fields.optional(Field::Mentions)?.unwrap_or_default(),
        thread: fields.optional(Field::Thread)?,
        also: fields.optional(Field::Also)?.unwrap_or_default(),
    })
}

pub(crate) fn edit(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::MessageEdit {
        conversation: fields.required(Field::Conversation)?,
        message: fields.required(Field::Message)?,
        content: fields.required(Field::Content)?,
    })
}

pub(crate) fn recall(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::MessageRecall {
        conversation: fields.required(Field::Conversation)?,
        message: fields.required(Field::Message)?,
    })
}
