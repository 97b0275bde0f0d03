//! The wire contract: frames of both directions, error codes, close codes and their limits.
//!
//! It knows the shapes and nothing of the rules: whether a text is too long or a user may speak is for the
//! server to say. Ids are plain UUIDs.

mod close;
mod command;
mod content;
mod data;
mod error;
mod event;
mod fields;
mod integer;
mod kind;
mod parse;
mod position;
mod resume;
pub mod schema;
mod server;
mod spelled;
mod split;
mod time;
mod welcome;

pub use close::{Close, CloseCode};
pub use command::{Action, ClientFrame, Command, Hello, ResumePart, Role};
pub use content::Content;
pub use data::{
    DirectOpened, GroupCreated, GroupRenamed, MemberAdded, MemberLeft, MemberRemoved, MessageEdited,
    MessageRecalled, MessageSent, ReactionChanged, RoleChanged,
};
pub use error::{ErrorCode, ErrorFrame};
pub use event::{Event, EventRef, encode_events};
pub use kind::{EventData, EventKind};
pub use parse::{DEVICE_CHARS_MAX, ParseError, SEQ_MAX, parse, parse_spelled};
pub use position::{Position, PositionError};
pub use resume::Resume;
pub use serde_json::value::RawValue;
pub use server::{Ack, Events, Gap, Notice, Presence, Receipt, ServerFrame, ServerFrameError, TypingNotice};
pub use spelled::Spelled;
pub use split::split_frame;
pub use time::Timestamp;
pub use welcome::{Limits, Welcome};

/// The WebSocket subprotocol of this version.
pub const SUBPROTOCOL: &str = "tidings.v1";

/// The most events that one `fetch` may ask for.
pub const FETCH_EVENTS_MAX: u32 = 1000;
