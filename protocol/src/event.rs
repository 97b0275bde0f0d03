//! Durable events of conversations: their kinds, their data, and their encoding.

use std::{fmt, io::Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{EventData, Timestamp};

/// What happened, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventKind {
    DirectOpened,
    GroupCreated,
    MemberAdded,
    MemberRemoved,
    MemberLeft,
    GroupRenamed,
    RoleChanged,
    MessageSent,
    MessageEdited,
    MessageRecalled,
    ReactionChanged,
    /// A kind that this version has no name for.
    Other(Box<str>),
}

impl EventKind {
    /// Every kind that this version names.
    pub const NAMED: [Self; 11] = [
        Self::DirectOpened,
        Self::GroupCreated,
        Self::MemberAdded,
        Self::MemberRemoved,
        Self::MemberLeft,
        Self::GroupRenamed,
        Self::RoleChanged,
        Self::MessageSent,
        Self::MessageEdited,
        Self::MessageRecalled,
        Self::ReactionChanged,
    ];

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::DirectOpened => "direct.opened",
            Self::GroupCreated => "group.created",
            Self::MemberAdded => "member.added",
            Self::MemberRemoved => "member.removed",
            Self::MemberLeft => "member.left",
            Self::GroupRenamed => "group.renamed",
            Self::RoleChanged => "role.changed",
            Self::MessageSent => "message.sent",
            Self::MessageEdited => "message.edited",
            Self::MessageRecalled => "message.recalled",
            Self::ReactionChanged => "reaction.changed",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for EventKind {
    fn from(name: &str) -> Self {
        // By far the most frequent kind is looked at first.
        if name == "message.sent" {
            return Self::MessageSent;
        }
        Self::NAMED
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .unwrap_or_else(|| Self::Other(name.into()))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KindVisitor)
    }
}

/// Reads a kind without allocating where it has a name.
struct KindVisitor;

impl Visitor<'_> for KindVisitor {
    type Value = EventKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a kind")
    }

    fn visit_str<E>(self, name: &str) -> Result<EventKind, E> {
        Ok(EventKind::from(name))
    }
}

/// One event of a conversation, with its data as it stands on the wire.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename = "event")]
pub struct Event {
    pub conversation: Uuid,
    /// Dense in the conversation, from 1.
    pub seq: u64,
    #[schemars(with = "String")]
    pub kind: EventKind,
    /// The user who did it; the nil id for the server itself.
    #[serde(default)]
    pub actor: Uuid,
    pub at: Timestamp,
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub data: Box<RawValue>,
}

/// Two events are equal when every field and the very bytes of their data are.
impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (
            self.conversation,
            self.seq,
            &self.kind,
            self.actor,
            self.at,
            self.data.get(),
        ) == (
            other.conversation,
            other.seq,
            &other.kind,
            other.actor,
            other.at,
            other.data.get(),
        )
    }
}

impl Eq for Event {}

impl Event {
    /// The data by kind; [`EventData::Unknown`] for a kind or shape that this version does not know.
    pub fn decode(&self) -> EventData {
        EventData::decode(&self.kind, self.data.get())
    }
}

/// An event about to be encoded, its data borrowed from the log.
#[derive(Debug, Clone, Copy)]
pub struct EventRef<'a> {
    pub conversation: Uuid,
    pub seq: u64,
    /// A name of the wire: it is written as it is, so it must not need escaping.
    pub kind: &'a str,
    pub actor: Uuid,
    pub at: Timestamp,
    /// A JSON object; it is written as it is, so it must be valid and without newlines.
    pub data: &'a str,
}

impl EventRef<'_> {
    /// Appends the event object. No field needs escaping, so this is plain copying.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(self.data.len() + 224);
        // Writing to a Vec cannot fail.
        let _ = write!(
            out,
            r#"{{"type":"event","conversation":"{}","seq":{},"kind":"{}","actor":"{}","at":"{}","data":{}}}"#,
            self.conversation, self.seq, self.kind, self.actor, self.at, self.data
        );
    }

    /// The event object as bytes, to be shared by all who receive it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

/// The answer to `fetch` from events that are encoded already.
pub fn encode_events<'a>(
    id: Uuid,
    conversation: Uuid,
    events: impl IntoIterator<Item = &'a [u8]>,
    more: bool,
) -> Vec<u8> {
    let mut out =
        format!(r#"{{"type":"events","id":"{id}","conversation":"{conversation}","events":["#).into_bytes();
    for (index, event) in events.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(event);
    }
    // Writing to a Vec cannot fail.
    let _ = write!(out, r#"],"more":{more}}}"#);
    out
}
