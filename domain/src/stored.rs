//! Stored form of events: JSON payloads by kind and version, and upcasters for old versions.
//!
//! Changing a payload's shape means a new version, an upcaster from the old one here, and a golden file for it; old golden
//! files stay.

pub use crate::kind::{Kind, Stored, leave_out};

use crate::conversation::thread::{Line, ThreadReplied, ThreadRepliedAlso};
use crate::event::{ConversationEvent, Event, MessageSent, ReportEvent, Told, UserEvent};
use serde::Serialize;
use serde_json::Value;
use serde_json::error::Category;
use std::borrow::Cow;
use thiserror::Error;

/// Why a stored event could not be read.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("event kind {0} is unknown to this version")]
    UnknownKind(i16),
    #[error("event kind {kind} has no version {ver} in this version")]
    UnknownVersion { kind: i16, ver: i16 },
    /// Where, and not what: a parser's own words quote what people said.
    #[error("payload of event kind {kind} version {ver} cannot be read: {} at byte {column}", category_name(*category))]
    Payload {
        kind: i16,
        ver: i16,
        category: Category,
        column: usize,
    },
}

/// Lifts a payload by one version.
type Upcaster = fn(Value) -> Value;

/// Upcasters by kind and the version that they start from. A chain of them leads from any old version to today's.
const UPCASTERS: &[(Kind, i16, Upcaster)] = &[];

/// Encodes an event for the log: kind, version and JSON payload.
pub fn encode(event: &Event) -> (Kind, i16, Vec<u8>) {
    match event {
        Event::Conversation(event) => match event {
            ConversationEvent::DirectOpened(data) => form(data),
            ConversationEvent::GroupCreated(data) => form(data),
            ConversationEvent::MemberAdded(data) => form(data),
            ConversationEvent::MemberRemoved(data) => form(data),
            ConversationEvent::MemberLeft(data) => form(data),
            ConversationEvent::GroupRenamed(data) => form(data),
            ConversationEvent::RoleChanged(data) => form(data),
            ConversationEvent::GroupSettingsChanged(data) => form(data),
            ConversationEvent::MemberMuted(data) => form(data),
            ConversationEvent::MemberBanned(data) => form(data),
            ConversationEvent::MemberUnbanned(data) => form(data),
            ConversationEvent::LinkCreated(data) => form(data),
            ConversationEvent::LinkRevoked(data) => form(data),
            ConversationEvent::JoinRequested(data) => form(data),
            ConversationEvent::JoinRefused(data) => form(data),
            ConversationEvent::InvitationSent(data) => form(data),
            ConversationEvent::InvitationAccepted(data) => form(data),
            ConversationEvent::InvitationDeclined(data) => form(data),
            ConversationEvent::InvitationWithdrawn(data) => form(data),
            ConversationEvent::MessageSent(data) => message(data),
            ConversationEvent::MessageEdited(data) => form(data),
            ConversationEvent::MessageRecalled(data) => form(data),
            ConversationEvent::ReactionChanged(data) => form(data),
            ConversationEvent::PinChanged(data) => form(data),
            ConversationEvent::MessageWithheld(data) => form(data),
        },
        Event::User(event) => match event {
            UserEvent::Registered(data) => form(data),
            UserEvent::CursorsMoved(data) => form(data),
            UserEvent::InboxExpired(data) => form(data),
            UserEvent::AttachmentStored(data) => form(data),
            UserEvent::AttachmentRemoved(data) => form(data),
            UserEvent::ConversationMuted(data) => form(data),
            UserEvent::ConversationArchived(data) => form(data),
            UserEvent::ConversationMarked(data) => form(data),
            UserEvent::MessagesHidden(data) => form(data),
            UserEvent::ConversationCleared(data) => form(data),
            UserEvent::ThreadFollowed(data) => form(data),
            UserEvent::ThreadRead(data) => form(data),
            UserEvent::ProfileUpdated(data) => form(data),
            UserEvent::SettingsUpdated(data) => form(data),
            UserEvent::Told(told) => match told {
                Told::Requested(data) => form(data),
                Told::Accepted(data) => form(data),
                Told::Declined(data) => form(data),
                Told::Withdrawn(data) => form(data),
                Told::Removed(data) => form(data),
                Told::Blocked(data) => form(data),
                Told::Invited(data) => form(data),
                Told::InvitationEnded(data) => form(data),
                Told::Asked(data) => form(data),
                Told::Answered(data) => form(data),
                Told::JoinAnswered(data) => form(data),
            },
            UserEvent::Announced(data) => form(data),
            UserEvent::Account(data) => form(data),
            UserEvent::AccountDeleted(data) => form(data),
        },
        Event::Pair(data) => form(data),
        Event::Report(event) => match event {
            ReportEvent::Filed(data) => form(data),
            ReportEvent::Handled(data) => form(data),
        },
        Event::Administration(data) => form(data),
        Event::Announcement(data) => form(data),
    }
}

/// Where a message stands is told by its kind.
fn message(data: &MessageSent) -> (Kind, i16, Vec<u8>) {
    let (kind, ver) = match data.line() {
        Line::Main => (MessageSent::KIND, MessageSent::VERSION),
        Line::Thread => (ThreadReplied::KIND, ThreadReplied::VERSION),
        Line::Both => (ThreadRepliedAlso::KIND, ThreadRepliedAlso::VERSION),
    };
    (kind, ver, json(data))
}

fn form<E: Stored>(event: &E) -> (Kind, i16, Vec<u8>) {
    (E::KIND, E::VERSION, json(event))
}

/// Reads a stored event of any version that was ever written.
pub fn decode(kind: i16, ver: i16, payload: &[u8]) -> Result<Event, DecodeError> {
    let kind = Kind(kind);
    let entry = kind.entry().ok_or(DecodeError::UnknownKind(kind.0))?;
    let payload = upcast(UPCASTERS, kind, ver, kind.version(), payload)?;
    (entry.parse)(&payload).map_err(|source| unreadable(kind, ver, &source))
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
    let mut value: Value =
        serde_json::from_slice(payload).map_err(|source| unreadable(kind, ver, &source))?;
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

fn unreadable(kind: Kind, ver: i16, source: &serde_json::Error) -> DecodeError {
    DecodeError::Payload {
        kind: kind.0,
        ver,
        category: source.classify(),
        column: source.column(),
    }
}

fn category_name(category: Category) -> &'static str {
    match category {
        Category::Io => "it cannot be had",
        Category::Syntax => "it is no JSON",
        Category::Data => "it has another shape",
        Category::Eof => "it breaks off",
    }
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
