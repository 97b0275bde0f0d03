//! What the server says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Close, ErrorFrame, Event, Events, Notice, Position, Presence, PresenceCount, PresenceState, Receipt,
    Timestamp, TypingNotice, Welcome,
};

/// One object from the server.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    Welcome(Box<Welcome>),
    /// All that was missed has been sent; what follows is live.
    Synced,
    Gap(Gap),
    /// The answer to `fetch`.
    Events(Events),
    Ack(Ack),
    Error(ErrorFrame),
    Notice(Notice),
    Typing(TypingNotice),
    Presence(Presence),
    /// The answer to `presence.watch`, and again where changes were not shown.
    #[serde(rename = "presence.state")]
    PresenceState(PresenceState),
    #[serde(rename = "presence.count")]
    PresenceCount(PresenceCount),
    Receipt(Receipt),
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        id: Option<Uuid>,
    },
    Close(Close),
    /// Its type stands in the event itself, for events also stand within `events`.
    #[serde(untagged)]
    Event(Event),
}

/// Events `from` to `to` (both included) of a conversation are not sent; `fetch` brings them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    pub conversation: Uuid,
    pub from: u64,
    pub to: u64,
}

/// The command is durable in the log and will reach every member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ack {
    pub id: Uuid,
    pub conversation: Uuid,
    /// The seq of the (last) event that it made; 0 where that is not told.
    pub seq: u64,
    pub position: Position,
    pub at: Timestamp,
    /// The id had been seen before: this is the first answer again, and nothing was appended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// What the command made for its sender alone, where it makes such a thing; the same in a repeated answer. Of commands of this
    /// version none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>", default)]
    pub data: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A frame from the server that this version cannot read.
#[derive(Debug, thiserror::Error)]
#[error("unreadable server frame: {0}")]
pub struct ServerFrameError(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
struct PongFields {
    #[serde(default)]
    id: Option<Uuid>,
}

impl ServerFrame {
    /// Reads one object. `Ok(None)` is a type that this version does not know, to be ignored.
    pub fn parse(text: &str) -> Result<Option<Self>, ServerFrameError> {
        // This server writes the type first, and nearly all frames are events: those are read in one pass.
        if text.starts_with(r#"{"type":"event","#) {
            return Ok(Some(Self::Event(serde_json::from_str(text)?)));
        }
        let head: Head<'_> = serde_json::from_str(text)?;
        let frame = match &*head.kind {
            "event" => Self::Event(serde_json::from_str(text)?),
            "ack" => Self::Ack(serde_json::from_str(text)?),
            "error" => Self::Error(serde_json::from_str(text)?),
            "welcome" => Self::Welcome(serde_json::from_str(text)?),
            "synced" => Self::Synced,
            "gap" => Self::Gap(serde_json::from_str(text)?),
            "events" => Self::Events(serde_json::from_str(text)?),
            "notice" => Self::Notice(serde_json::from_str(text)?),
            "typing" => Self::Typing(serde_json::from_str(text)?),
            "presence" => Self::Presence(serde_json::from_str(text)?),
            "presence.state" => Self::PresenceState(serde_json::from_str(text)?),
            "presence.count" => Self::PresenceCount(serde_json::from_str(text)?),
            "receipt" => Self::Receipt(serde_json::from_str(text)?),
            "pong" => Self::Pong {
                id: serde_json::from_str::<PongFields>(text)?.id,
            },
            "close" => Self::Close(serde_json::from_str(text)?),
            _ => return Ok(None),
        };
        Ok(Some(frame))
    }

    /// The object as text.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("maps with string keys always serialize")
    }
}
