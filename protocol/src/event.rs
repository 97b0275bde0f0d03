//! Durable events of conversations, and their encoding.

use std::io::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{EventData, EventKind, Timestamp};

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
    next: Option<u64>,
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
    let _ = write!(out, r#"],"more":{more}"#);
    if let Some(next) = next {
        let _ = write!(out, r#","next":{next}"#);
    }
    out.push(b'}');
    out
}
