//! What happened: the facts that the log keeps.

use crate::id::{ConversationId, UserId};
use crate::text::{GroupName, MessageText};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a member of a group may do. Owners may do everything, admins manage ordinary members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Member,
    Admin,
    Owner,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// What a message holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Content {
    Text {
        text: MessageText,
    },
    Image {
        attachment: Uuid,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        caption: Option<MessageText>,
    },
    File {
        attachment: Uuid,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        caption: Option<MessageText>,
    },
}

/// An event of a conversation's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationEvent {
    DirectOpened(DirectOpened),
    GroupCreated(GroupCreated),
    MemberAdded(MemberAdded),
    MemberRemoved(MemberRemoved),
    MemberLeft(MemberLeft),
    GroupRenamed(GroupRenamed),
    RoleChanged(RoleChanged),
    MessageSent(MessageSent),
}

/// Two people have a conversation of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectOpened {
    pub users: [UserId; 2],
}

/// A group began. `members` holds everybody, the owner first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCreated {
    pub name: GroupName,
    pub owner: UserId,
    pub members: Vec<UserId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAdded {
    pub user: UserId,
    pub role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRemoved {
    pub user: UserId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLeft {
    pub user: UserId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRenamed {
    pub name: GroupName,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChanged {
    pub user: UserId,
    pub role: Role,
}

/// A message. Its id is the id of the command that sent it, which the log keeps beside the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    pub content: Content,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to: Option<Uuid>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentions: Vec<UserId>,
}

/// A place in a conversation: the position of an event, and how many messages there are up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    pub seq: u64,
    pub msg_no: u64,
}

/// An event of a user's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvent {
    Registered(Registered),
    CursorsMoved(CursorsMoved),
    InboxExpired(InboxExpired),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub username: String,
    pub display_name: String,
}

/// How far a user has read, and how far any device of the user has been sent, gathered over a short while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorsMoved {
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub read: BTreeMap<ConversationId, Cursor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub delivered: BTreeMap<ConversationId, Cursor>,
}

impl CursorsMoved {
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.delivered.is_empty()
    }

    /// What lies beyond `known`: cursors never move back, and one that stays where it is does not move.
    pub fn beyond(mut self, known: &Self) -> Self {
        let keep = |moved: &mut BTreeMap<ConversationId, Cursor>,
                    known: &BTreeMap<ConversationId, Cursor>| {
            moved.retain(|conversation, cursor| {
                known.get(conversation).is_none_or(|known| cursor.seq > known.seq)
            });
        };
        keep(&mut self.read, &known.read);
        keep(&mut self.delivered, &known.delivered);
        self
    }
}

/// Offline messages that waited longer than the inbox keeps them: the stored delivery cursor moved past them.
/// They stay in history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxExpired {
    pub cursors: BTreeMap<ConversationId, Cursor>,
}

/// Any event that the log keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Conversation(ConversationEvent),
    User(UserEvent),
}

impl From<ConversationEvent> for Event {
    fn from(event: ConversationEvent) -> Self {
        Self::Conversation(event)
    }
}

impl From<UserEvent> for Event {
    fn from(event: UserEvent) -> Self {
        Self::User(event)
    }
}
