//! Stored form of events: stable kind numbers, versions, JSON payloads, and upcasters for old versions.
//!
//! A kind's number is never used again for anything else. Payload names never carry Rust type names, so renaming a
//! type costs nothing. Changing a payload's shape means a new version here, an upcaster from the old one, and a golden
//! file for it; old golden files stay.

use crate::event::{ConversationEvent, Event, UserEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::OnceLock;
use thiserror::Error;

/// Kinds that this process takes for unknown.
static LEFT_OUT: OnceLock<Vec<Kind>> = OnceLock::new();

/// From here on this process reads and shows no event of these kinds, as an older version that does not have them. Only what is
/// said first counts: call it once, before anything is read.
pub fn leave_out(kinds: Vec<Kind>) {
    LEFT_OUT.get_or_init(|| kinds);
}

/// The number of an event kind in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(pub i16);

impl Kind {
    pub const DIRECT_OPENED: Self = Self(1);
    pub const GROUP_CREATED: Self = Self(2);
    pub const MEMBER_ADDED: Self = Self(3);
    pub const MEMBER_REMOVED: Self = Self(4);
    pub const MEMBER_LEFT: Self = Self(5);
    pub const GROUP_RENAMED: Self = Self(6);
    pub const ROLE_CHANGED: Self = Self(7);
    pub const MESSAGE_SENT: Self = Self(16);
    pub const USER_REGISTERED: Self = Self(64);
    pub const CURSORS_MOVED: Self = Self(65);
    pub const INBOX_EXPIRED: Self = Self(66);

    /// Every kind that this version can decode.
    pub const ALL: [Self; 11] = [
        Self::DIRECT_OPENED,
        Self::GROUP_CREATED,
        Self::MEMBER_ADDED,
        Self::MEMBER_REMOVED,
        Self::MEMBER_LEFT,
        Self::GROUP_RENAMED,
        Self::ROLE_CHANGED,
        Self::MESSAGE_SENT,
        Self::USER_REGISTERED,
        Self::CURSORS_MOVED,
        Self::INBOX_EXPIRED,
    ];

    /// The name on the wire and in golden files; `None` for a number that this version does not know or that was
    /// [left out](leave_out).
    pub fn name(self) -> Option<&'static str> {
        if LEFT_OUT.get().is_some_and(|left_out| left_out.contains(&self)) {
            return None;
        }
        Some(match self {
            Self::DIRECT_OPENED => "direct.opened",
            Self::GROUP_CREATED => "group.created",
            Self::MEMBER_ADDED => "member.added",
            Self::MEMBER_REMOVED => "member.removed",
            Self::MEMBER_LEFT => "member.left",
            Self::GROUP_RENAMED => "group.renamed",
            Self::ROLE_CHANGED => "role.changed",
            Self::MESSAGE_SENT => "message.sent",
            Self::USER_REGISTERED => "user.registered",
            Self::CURSORS_MOVED => "cursors.moved",
            Self::INBOX_EXPIRED => "inbox.expired",
            _ => return None,
        })
    }

    /// The kind of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == Some(name))
    }

    /// The version that this program writes.
    pub fn version(self) -> i16 {
        1
    }

    /// Whether decisions depend on events of this kind.
    pub fn is_control(self) -> bool {
        !matches!(
            self,
            Self::MESSAGE_SENT | Self::CURSORS_MOVED | Self::INBOX_EXPIRED
        )
    }

    /// Whether events of this kind are messages, which unread counts count.
    pub fn is_countable(self) -> bool {
        self == Self::MESSAGE_SENT
    }
}

/// Why a stored event could not be read.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("event kind {0} is unknown to this version")]
    UnknownKind(i16),
    #[error("event kind {kind} has no version {ver} in this version")]
    UnknownVersion { kind: i16, ver: i16 },
    #[error("payload of event kind {kind} version {ver} cannot be read: {source}")]
    Payload {
        kind: i16,
        ver: i16,
        source: serde_json::Error,
    },
}

/// Lifts a payload by one version.
type Upcaster = fn(Value) -> Value;

/// Upcasters by kind and the version that they start from. A chain of them leads from any old version to today's.
const UPCASTERS: &[(Kind, i16, Upcaster)] = &[];

/// Encodes an event for the log: kind, version and JSON payload.
pub fn encode(event: &Event) -> (Kind, i16, Vec<u8>) {
    let (kind, payload) = match event {
        Event::Conversation(event) => match event {
            ConversationEvent::DirectOpened(data) => (Kind::DIRECT_OPENED, json(data)),
            ConversationEvent::GroupCreated(data) => (Kind::GROUP_CREATED, json(data)),
            ConversationEvent::MemberAdded(data) => (Kind::MEMBER_ADDED, json(data)),
            ConversationEvent::MemberRemoved(data) => (Kind::MEMBER_REMOVED, json(data)),
            ConversationEvent::MemberLeft(data) => (Kind::MEMBER_LEFT, json(data)),
            ConversationEvent::GroupRenamed(data) => (Kind::GROUP_RENAMED, json(data)),
            ConversationEvent::RoleChanged(data) => (Kind::ROLE_CHANGED, json(data)),
            ConversationEvent::MessageSent(data) => (Kind::MESSAGE_SENT, json(data)),
        },
        Event::User(event) => match event {
            UserEvent::Registered(data) => (Kind::USER_REGISTERED, json(data)),
            UserEvent::CursorsMoved(data) => (Kind::CURSORS_MOVED, json(data)),
            UserEvent::InboxExpired(data) => (Kind::INBOX_EXPIRED, json(data)),
        },
    };
    (kind, kind.version(), payload)
}

/// Reads a stored event of any version that was ever written.
pub fn decode(kind: i16, ver: i16, payload: &[u8]) -> Result<Event, DecodeError> {
    let kind = Kind(kind);
    if kind.name().is_none() {
        return Err(DecodeError::UnknownKind(kind.0));
    }
    let payload = upcast(UPCASTERS, kind, ver, kind.version(), payload)?;
    let payload = payload.as_ref();
    Ok(match kind {
        Kind::DIRECT_OPENED => ConversationEvent::DirectOpened(parse(kind, ver, payload)?).into(),
        Kind::GROUP_CREATED => ConversationEvent::GroupCreated(parse(kind, ver, payload)?).into(),
        Kind::MEMBER_ADDED => ConversationEvent::MemberAdded(parse(kind, ver, payload)?).into(),
        Kind::MEMBER_REMOVED => ConversationEvent::MemberRemoved(parse(kind, ver, payload)?).into(),
        Kind::MEMBER_LEFT => ConversationEvent::MemberLeft(parse(kind, ver, payload)?).into(),
        Kind::GROUP_RENAMED => ConversationEvent::GroupRenamed(parse(kind, ver, payload)?).into(),
        Kind::ROLE_CHANGED => ConversationEvent::RoleChanged(parse(kind, ver, payload)?).into(),
        Kind::MESSAGE_SENT => ConversationEvent::MessageSent(parse(kind, ver, payload)?).into(),
        Kind::USER_REGISTERED => UserEvent::Registered(parse(kind, ver, payload)?).into(),
        Kind::CURSORS_MOVED => UserEvent::CursorsMoved(parse(kind, ver, payload)?).into(),
        Kind::INBOX_EXPIRED => UserEvent::InboxExpired(parse(kind, ver, payload)?).into(),
        Kind(other) => return Err(DecodeError::UnknownKind(other)),
    })
}

/// Lifts a payload from `ver` to `current` by the chain in `table`; borrows when there is nothing to do.
fn upcast<'a>(
    table: &[(Kind, i16, Upcaster)],
    kind: Kind,
    ver: i16,
    current: i16,
    payload: &'a [u8],
) -> Result<Cow<'a, [u8]>, DecodeError> {
    if ver == current {
        return Ok(Cow::Borrowed(payload));
    }
    let mut value: Value = parse(kind, ver, payload)?;
    let mut at = ver;
    while at != current {
        let step = table.iter().find(|(of, from, _)| *of == kind && *from == at);
        let Some((_, _, lift)) = step else {
            return Err(DecodeError::UnknownVersion { kind: kind.0, ver });
        };
        value = lift(value);
        at += 1;
    }
    Ok(Cow::Owned(json(&value)))
}

fn parse<T: DeserializeOwned>(kind: Kind, ver: i16, payload: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(payload).map_err(|source| DecodeError::Payload {
        kind: kind.0,
        ver,
        source,
    })
}

fn json<T: Serialize>(data: &T) -> Vec<u8> {
    serde_json::to_vec(data).expect("event payloads have string keys and cannot fail to serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_upcasters_leads_to_the_current_version() {
        let table: &[(Kind, i16, Upcaster)] = &[
            (
                Kind::GROUP_RENAMED,
                1,
                |old| serde_json::json!({ "title": old["t"] }),
            ),
            (
                Kind::GROUP_RENAMED,
                2,
                |old| serde_json::json!({ "name": old["title"] }),
            ),
        ];
        let lifted = upcast(table, Kind::GROUP_RENAMED, 1, 3, br#"{"t":"a"}"#).unwrap();
        assert_eq!(lifted.as_ref(), br#"{"name":"a"}"#);
        let newer = upcast(table, Kind::GROUP_RENAMED, 4, 3, b"{}");
        assert!(matches!(newer, Err(DecodeError::UnknownVersion { ver: 4, .. })));
    }

    #[test]
    fn unknown_kinds_and_broken_payloads_are_errors() {
        assert!(matches!(
            decode(999, 1, b"{}"),
            Err(DecodeError::UnknownKind(999))
        ));
        assert!(matches!(
            decode(6, 2, b"{}"),
            Err(DecodeError::UnknownVersion { .. })
        ));
        assert!(matches!(decode(6, 1, b"{"), Err(DecodeError::Payload { .. })));
    }
}
