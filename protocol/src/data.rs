//! What the data of each kind of event says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Content, EventKind, Role};

/// The data of an event, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "data")]
pub enum EventData {
    #[serde(rename = "direct.opened")]
    DirectOpened(DirectOpened),
    #[serde(rename = "group.created")]
    GroupCreated(GroupCreated),
    #[serde(rename = "member.added")]
    MemberAdded(MemberAdded),
    #[serde(rename = "member.removed")]
    MemberRemoved(MemberRemoved),
    #[serde(rename = "member.left")]
    MemberLeft(MemberLeft),
    #[serde(rename = "group.renamed")]
    GroupRenamed(GroupRenamed),
    #[serde(rename = "role.changed")]
    RoleChanged(RoleChanged),
    #[serde(rename = "message.sent")]
    MessageSent(MessageSent),
    #[serde(rename = "message.edited")]
    MessageEdited(MessageEdited),
    #[serde(rename = "message.recalled")]
    MessageRecalled(MessageRecalled),
    #[serde(rename = "reaction.changed")]
    ReactionChanged(ReactionChanged),
    /// A kind or shape that this version does not know; the raw data is in [`crate::Event::data`].
    #[serde(skip)]
    Unknown,
}

impl EventData {
    /// Reads `data` as what `kind` says it is.
    pub fn decode(kind: &EventKind, data: &str) -> Self {
        fn read<'a, T: Deserialize<'a>>(data: &'a str, make: impl FnOnce(T) -> EventData) -> EventData {
            serde_json::from_str(data).map_or(EventData::Unknown, make)
        }
        match kind {
            EventKind::DirectOpened => read(data, Self::DirectOpened),
            EventKind::GroupCreated => read(data, Self::GroupCreated),
            EventKind::MemberAdded => read(data, Self::MemberAdded),
            EventKind::MemberRemoved => read(data, Self::MemberRemoved),
            EventKind::MemberLeft => read(data, Self::MemberLeft),
            EventKind::GroupRenamed => read(data, Self::GroupRenamed),
            EventKind::RoleChanged => read(data, Self::RoleChanged),
            EventKind::MessageSent => read(data, Self::MessageSent),
            EventKind::MessageEdited => read(data, Self::MessageEdited),
            EventKind::MessageRecalled => read(data, Self::MessageRecalled),
            EventKind::ReactionChanged => read(data, Self::ReactionChanged),
            EventKind::Other(_) => Self::Unknown,
        }
    }
}

/// The two who talk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DirectOpened {
    pub users: [Uuid; 2],
}

/// The name and the first members; the owner is the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupCreated {
    pub name: String,
    pub owner: Uuid,
    pub members: Vec<Uuid>,
}

/// Who came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberAdded {
    pub user: Uuid,
    pub role: Role,
}

/// Who was put out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberRemoved {
    pub user: Uuid,
}

/// Who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberLeft {
    pub user: Uuid,
}

/// The new name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRenamed {
    pub name: String,
}

/// Who has which role now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleChanged {
    pub user: Uuid,
    pub role: Role,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    pub message: Uuid,
    pub content: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Uuid>,
}

/// A message says something else now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageEdited {
    pub message: Uuid,
    pub content: Content,
}

/// A message was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageRecalled {
    pub message: Uuid,
}

/// The actor set or took back a reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionChanged {
    pub message: Uuid,
    pub emoji: String,
    pub on: bool,
}
