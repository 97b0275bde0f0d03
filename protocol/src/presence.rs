//! Who is there: what people say of themselves, whom they watch, and what they are told.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ClientFrame, ParseError, Timestamp,
    fields::{Field, Fields},
};

/// What somebody says of one of their devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Online,
    Away,
    /// Do not disturb.
    Dnd,
    /// Nobody is shown that the person is there, by any device.
    Invisible,
}

/// How somebody is there who is, where there is more to say than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reachable {
    Away,
    Dnd,
}

/// Somebody who is watched came or went, or is there in another way. It may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    pub user: Uuid,
    #[serde(flatten)]
    pub seen: Seen,
}

/// What is known of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    pub online: bool,
    /// Absent of those who are simply there, and of those who are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub status: Option<Reachable>,
    /// When somebody who is not there was last. Absent where nobody knows, or they do not want it known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
}

/// All that a connection watches, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceState {
    /// Of the `presence.watch` that it answers; absent where it comes by itself, in place of what was not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub id: Option<Uuid>,
    /// Those whom the user may see.
    pub users: BTreeMap<Uuid, Seen>,
    /// Those of which the user is a member.
    pub conversations: BTreeMap<Uuid, OnlineCount>,
    /// Who is there is not known just now, whatever was said before. Another state follows once it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

/// How many members of a conversation are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OnlineCount {
    pub online: u32,
}

/// How many members of a large conversation are there now. It may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceCount {
    pub conversation: Uuid,
    pub online: u32,
}

pub(crate) fn watch(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::PresenceWatch {
        users: fields.optional(Field::Users)?.unwrap_or_default(),
        conversations: fields.optional(Field::Conversations)?.unwrap_or_default(),
    })
}

pub(crate) fn status(fields: &Fields<'_>) -> Result<ClientFrame, ParseError> {
    Ok(ClientFrame::Status {
        value: fields.required(Field::Value)?,
    })
}
