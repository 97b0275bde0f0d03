//! Messages: sent, edited, recalled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, Content, ParseError, Timestamp,
    fields::{Field, Fields},
};

/// A message as somebody wants to send it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct MessageSend {
    pub conversation: Uuid,
    /// Left out where `forward` is there, and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub content: Option<Content>,
    /// Sends on what another message says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub forward: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub reply_to: Option<Uuid>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub mentions: Vec<Uuid>,
    /// Mentions all members of a group. Owners and admins may, so often in an hour.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub everyone: bool,
    /// The message of the main timeline that begins the thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub thread: Option<Uuid>,
    /// Show a reply in a thread in the main timeline, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub also: bool,
}

impl MessageSend {
    /// Just that: it answers nothing and mentions nobody.
    pub fn new(conversation: Uuid, content: Content) -> Self {
        Self {
            content: Some(content),
            ..Self::empty(conversation)
        }
    }

    /// What another message says, and no more.
    pub fn forwarding(conversation: Uuid, source: Source) -> Self {
        Self {
            forward: Some(source),
            ..Self::empty(conversation)
        }
    }

    fn empty(conversation: Uuid) -> Self {
        Self {
            conversation,
            content: None,
            forward: None,
            reply_to: None,
            mentions: vec![],
            everyone: false,
            thread: None,
            also: false,
        }
    }
}

/// A message that is sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    pub conversation: Uuid,
    pub message: Uuid,
}

/// Whose words a message is, where they are not its sender's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forwarded {
    /// Who wrote them.
    pub sender: Uuid,
    /// When they sent them.
    pub at: Timestamp,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    pub message: Uuid,
    /// `null` where the message has been recalled since or is withheld, or where its reader has hidden it: what is read from the log afterwards
    /// comes without it.
    pub content: Option<Content>,
    /// Moderators look at it: what it says is shown to nobody, and may come back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
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
    /// Mentions all who were members then, but for the sender.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<Forwarded>,
    /// The sender, where it was sent in slow mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Uuid>,
}

/// A message says something else now, unless it has been recalled at a lower seq: then this has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageEdited {
    pub message: Uuid,
    /// Where the message stands in the conversation.
    pub message_seq: u64,
    /// `null` where the message has been recalled since or is withheld, or where its reader has hidden it.
    pub content: Option<Content>,
}

/// A message was taken back, by the actor: its content, edits and reactions are gone, its place stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageRecalled {
    pub message: Uuid,
    /// Where the message stands in the conversation.
    pub message_seq: u64,
    /// How many messages there are up to it; 0 of one that stands in a thread alone and is in no count.
    pub message_no: u64,
    /// Why, where a moderator did it, who need be no member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

pub(crate) fn send(fields: &Fields<'_>) -> Result<Action, ParseError> {
    let forward = fields.optional(Field::Forward)?;
    let content = match forward {
        None => Some(fields.required(Field::Content)?),
        Some(_) => fields.optional(Field::Content)?,
    };
    if forward.is_some() && content.is_some() {
        return Err(fields.wrong(Field::Forward));
    }
    Ok(Action::MessageSend(MessageSend {
        conversation: fields.required(Field::Conversation)?,
        content,
        forward,
        reply_to: fields.optional(Field::ReplyTo)?,
        mentions: fields.optional(Field::Mentions)?.unwrap_or_default(),
        everyone: fields.optional(Field::Everyone)?.unwrap_or_default(),
        thread: fields.optional(Field::Thread)?,
        also: fields.optional(Field::Also)?.unwrap_or_default(),
    }))
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
