//! The wire contract: frames of both directions, error codes, close codes and their limits.
//!
//! It knows the shapes and nothing of the rules: whether a text is too long or a user may speak is for the
//! server to say. Ids are plain UUIDs.

mod account;
mod announcement;
mod ban;
mod client;
mod close;
mod contact;
mod content;
mod direct;
mod error;
mod event;
mod fields;
mod group;
mod group_settings;
mod hiding;
mod integer;
mod invitation;
mod joining;
mod kind;
mod link;
mod mark;
mod message;
mod muted;
mod notice;
mod parse;
mod pin;
mod position;
mod presence;
mod profile;
mod reaction;
mod reading;
mod report;
mod resume;
pub mod schema;
mod server;
mod setting;
mod spelled;
mod split;
mod thread;
mod time;
mod typing;
mod welcome;
mod withholding;

pub use account::AccountMatter;
pub use announcement::Announcement;
pub use ban::{MemberBanned, MemberUnbanned};
pub use client::{Action, ClientFrame, Command, Hello};
pub use close::{Close, CloseCode};
pub use contact::{ContactChanged, ContactRequested, UserBlocked};
pub use content::Content;
pub use direct::DirectOpened;
pub use error::{ErrorCode, ErrorFrame};
pub use event::{Event, EventRef, encode_events};
pub use group::{GroupCreated, GroupRenamed, MemberAdded, MemberLeft, MemberRemoved, Role, RoleChanged};
pub use group_settings::{GroupSettings, GroupSettingsChanged, History, Join, Who};
pub use hiding::{ConversationCleared, MessagesHidden};
pub use invitation::{
    GroupInvited, InvitationAccepted, InvitationDeclined, InvitationEnded, InvitationSent,
    InvitationWithdrawn, Outcome,
};
pub use joining::{GroupAnswered, GroupAsked, JoinAnswered, JoinRefused, JoinRequested};
pub use kind::{EventData, EventKind};
pub use link::{LinkCreated, LinkRevoked};
pub use mark::{ConversationArchived, ConversationMarked, ConversationMuted};
pub use message::{Forwarded, MessageEdited, MessageRecalled, MessageSend, MessageSent, Source};
pub use muted::MemberMuted;
pub use notice::{Notice, NoticeData, NoticeGap, NoticeRef};
pub use parse::{DEVICE_CHARS_MAX, ParseError, SEQ_MAX, parse, parse_spelled};
pub use pin::PinChanged;
pub use position::{Position, PositionError};
pub use presence::{OnlineCount, Presence, PresenceCount, PresenceState, Reachable, Seen, Status};
pub use profile::{Avatar, Profile};
pub use reaction::ReactionChanged;
pub use reading::{Events, Receipt};
pub use resume::{Resume, ResumePart};
pub use serde_json::value::RawValue;
pub use server::{Ack, Gap, ServerFrame, ServerFrameError};
pub use setting::{Audience, Settings};
pub use spelled::Spelled;
pub use split::split_frame;
pub use thread::{ThreadFollowed, ThreadRead};
pub use time::Timestamp;
pub use typing::TypingNotice;
pub use welcome::{Limits, Welcome};
pub use withholding::MessageWithheld;

/// The WebSocket subprotocol of this version.
pub const SUBPROTOCOL: &str = "tidings.v1";

/// The most events that one `fetch` may ask for.
pub const FETCH_EVENTS_MAX: u32 = 1000;
