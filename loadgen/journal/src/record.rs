//! The lines of a journal: what one device of one person did and saw, with the times of one common clock.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the format, in the first line of each journal.
pub const FORMAT: &str = "tidings-journal/2";

/// Microseconds of the clock that all journals of a run share.
pub type Micros = u64;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "r", rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Client {
        format: String,
        user: String,
        device: String,
    },
    /// The client sets out to connect. May be left out; with it, what was known before must come before `synced`.
    Connecting { at: Micros },
    /// A connection stands. `resume` says, by conversation, the last seq that the client claims to have seen.
    Connected {
        at: Micros,
        resume: BTreeMap<String, u64>,
    },
    /// With how much the server says, on this connection, that it catches up before it leaves something out. May be left out.
    Limits {
        at: Micros,
        /// Events of one conversation.
        catch_up: u64,
        /// Events of all together.
        catch_up_total: u64,
    },
    /// Everything missed has been sent; what follows is live.
    Synced { at: Micros },
    /// The connection has ended, for whatever reason.
    Disconnected { at: Micros },
    /// A message goes out. A retry is a second `send` with the same id.
    Send {
        at: Micros,
        id: Uuid,
        conversation: String,
        /// Of the text; see [`digest`].
        digest: u64,
    },
    /// The server says that the message is durable.
    Ack {
        at: Micros,
        id: Uuid,
        /// Its place in the conversation, where the server tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// Where and when it was stored, where the server tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stored: Option<Stored>,
    },
    /// The server says that the message did not take effect.
    Refused { at: Micros, id: Uuid, code: String },
    /// The server answers with an error that leaves open whether the message took effect.
    Unsettled { at: Micros, id: Uuid, code: String },
    /// Something of a conversation came in: by itself, while catching up, or fetched.
    Delivered {
        at: Micros,
        conversation: String,
        /// Its place in the conversation, where the server tells it; else the checker finds it by `id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// Of the message; none for other events, or the command that made them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Uuid>,
        digest: u64,
        /// Of the whole event; see [`whole`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whole: Option<u64>,
        /// It came without what it once said, for that was recalled, is kept from everybody, or is hidden: neither digest says anything.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        withheld: bool,
        via: Via,
    },
    /// The server says that it leaves out seqs `from` to `to`.
    Gap {
        at: Micros,
        conversation: String,
        from: u64,
        to: u64,
    },
    /// The reader has read up to `seq`, and the server has confirmed it.
    Read {
        at: Micros,
        conversation: String,
        seq: u64,
    },
    /// The server has confirmed that the reader hides these messages from themselves, for ever. They asked for it first at `asked`.
    Hidden {
        at: Micros,
        asked: Micros,
        conversation: String,
        messages: Vec<Uuid>,
    },
    /// The server has confirmed that the reader has cleared everything up to `seq` for themselves. They asked for it first at `asked`.
    Cleared {
        at: Micros,
        asked: Micros,
        conversation: String,
        seq: u64,
    },
    /// The server has confirmed that the reader blocks somebody, or does so no more, which they asked for first at `asked`.
    Blocked {
        at: Micros,
        asked: Micros,
        user: String,
        on: bool,
    },
    /// The server says how many messages wait to be read, at a moment when nothing is on its way.
    Unread {
        at: Micros,
        conversation: String,
        count: u64,
    },
    /// History, or a search, has told of a message. The reader asked at `asked`, for what includes all that anybody knew of the message by then.
    History {
        at: Micros,
        asked: Micros,
        conversation: String,
        id: Uuid,
        /// Without what it once said.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        withheld: bool,
    },
    /// The server says how far somebody has read.
    Receipt {
        at: Micros,
        conversation: String,
        user: String,
        seq: u64,
    },
    /// The server answered something that leaves nothing in the log: the connection carries what is sent.
    Alive { at: Micros },
    /// The last line: nothing was cut off.
    End { at: Micros },
}

impl Record {
    /// When it happened.
    pub fn at(&self) -> Micros {
        match self {
            Self::Client { .. } => 0,
            Self::Connecting { at }
            | Self::Connected { at, .. }
            | Self::Limits { at, .. }
            | Self::Synced { at }
            | Self::Disconnected { at }
            | Self::Send { at, .. }
            | Self::Ack { at, .. }
            | Self::Refused { at, .. }
            | Self::Unsettled { at, .. }
            | Self::Delivered { at, .. }
            | Self::Gap { at, .. }
            | Self::Read { at, .. }
            | Self::Hidden { at, .. }
            | Self::Cleared { at, .. }
            | Self::Blocked { at, .. }
            | Self::Unread { at, .. }
            | Self::History { at, .. }
            | Self::Receipt { at, .. }
            | Self::Alive { at }
            | Self::End { at } => *at,
        }
    }
}

/// Where a server has stored an event, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The part of the log.
    pub lane: u16,
    /// In this part, in the order of commits.
    pub pos: u64,
    /// Milliseconds since 1970.
    pub time: i64,
}

impl fmt::Display for Stored {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{} at {} ms", self.lane, self.pos, self.time)
    }
}

/// How something came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Live,
    CatchUp,
    Fetch,
}

/// One line of an export of the log: an event of a conversation. Lines of one conversation come in the order of seq.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    pub conversation: String,
    /// From 1, without a hole.
    pub seq: u64,
    pub kind: Kind,
    /// Who did it.
    pub actor: String,
    /// Of a message; of another event, the command that made it, where commands are in journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Of the text of a message; 0 for other events, or of what they say.
    #[serde(default)]
    pub digest: u64,
    /// Of the whole event; see [`whole`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<u64>,
    /// The message that it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Uuid>,
    /// The export has it without what it once said, for that was recalled or is withheld: neither digest says anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// Where and when it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// Whom the event makes members, or ends the membership of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
}

/// What the checker needs to know about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Counts as unread for everybody but its sender.
    Message,
    /// A message beside the main timeline, in a thread alone: it counts as unread for nobody, and its sender has read nothing by it.
    Reply,
    /// `users` are members from here on.
    Joined,
    /// `users` are no members from here on.
    Left,
    /// The message `of` says something else.
    Edited,
    /// The message `of` is taken back: it does not count any more, and what it said is shown to nobody.
    Recalled,
    /// What the message `of` says is kept from everybody, and it does not count, until it is shown again.
    Withheld,
    /// The message `of` is shown again, and counts.
    Shown,
    /// Anything else that has a seq.
    Other,
}

impl Kind {
    /// Whether somebody says something by it.
    pub fn is_message(self) -> bool {
        matches!(self, Self::Message | Self::Reply)
    }
}

/// The digest of an event with everything in it: its kind, who did it, when (in milliseconds since 1970), and its data, which
/// is JSON. Neither white space nor the order of fields counts.
pub fn whole(kind: &str, actor: &str, millis: i64, raw: &str) -> u64 {
    // Maps of this crate are sorted. What is no JSON is compared as it stands.
    let data = serde_json::from_str::<serde_json::Value>(raw);
    let data = data.map_or_else(|_| raw.to_owned(), |data| data.to_string());
    digest(&format!("{kind} {actor} {millis} {data}"))
}

/// The digest of a text: FNV-1a, 64 bit.
pub fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
