//! The kinds of events: their names, and the data of each.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

use crate::{
    DirectOpened, GroupCreated, GroupRenamed, GroupSettingsChanged, InvitationAccepted, InvitationDeclined,
    InvitationSent, InvitationWithdrawn, JoinRefused, JoinRequested, LinkCreated, LinkRevoked, MemberAdded,
    MemberBanned, MemberLeft, MemberMuted, MemberRemoved, MemberUnbanned, MessageEdited, MessageRecalled,
    MessageSent, MessageWithheld, PinChanged, ReactionChanged, RoleChanged,
};

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
    GroupSettingsChanged,
    MemberMuted,
    MemberBanned,
    MemberUnbanned,
    LinkCreated,
    LinkRevoked,
    JoinRequested,
    JoinRefused,
    MessageSent,
    MessageEdited,
    MessageRecalled,
    ReactionChanged,
    PinChanged,
    MessageWithheld,
    InvitationSent,
    InvitationAccepted,
    InvitationDeclined,
    InvitationWithdrawn,
    /// A kind that this version has no name for.
    Other(Box<str>),
}

impl EventKind {
    /// Every kind that this version names.
    pub const NAMED: [Self; 25] = [
        Self::DirectOpened,
        Self::GroupCreated,
        Self::MemberAdded,
        Self::MemberRemoved,
        Self::MemberLeft,
        Self::GroupRenamed,
        Self::RoleChanged,
        Self::GroupSettingsChanged,
        Self::MemberMuted,
        Self::MemberBanned,
        Self::MemberUnbanned,
        Self::LinkCreated,
        Self::LinkRevoked,
        Self::JoinRequested,
        Self::JoinRefused,
        Self::MessageSent,
        Self::MessageEdited,
        Self::MessageRecalled,
        Self::ReactionChanged,
        Self::PinChanged,
        Self::MessageWithheld,
        Self::InvitationSent,
        Self::InvitationAccepted,
        Self::InvitationDeclined,
        Self::InvitationWithdrawn,
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
            Self::GroupSettingsChanged => "group.settings_changed",
            Self::MemberMuted => "member.muted",
            Self::MemberBanned => "member.banned",
            Self::MemberUnbanned => "member.unbanned",
            Self::LinkCreated => "link.created",
            Self::LinkRevoked => "link.revoked",
            Self::JoinRequested => "join.requested",
            Self::JoinRefused => "join.refused",
            Self::MessageSent => "message.sent",
            Self::MessageEdited => "message.edited",
            Self::MessageRecalled => "message.recalled",
            Self::ReactionChanged => "reaction.changed",
            Self::PinChanged => "pin.changed",
            Self::MessageWithheld => "message.withheld",
            Self::InvitationSent => "invitation.sent",
            Self::InvitationAccepted => "invitation.accepted",
            Self::InvitationDeclined => "invitation.declined",
            Self::InvitationWithdrawn => "invitation.withdrawn",
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

/// The data of an event, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "data")]
pub enum EventData {
    #[serde(rename = "direct.opened")]
    DirectOpened(DirectOpened),
    #[serde(rename = "group.created")]
    GroupCreated(GroupCreated),
    #[serde(rename = "member.added")]
    MemberAdded(MemberAdded),
    #[serde(rename = "member.removed")]
    MemberRemoved(MemberRemoved),
    #[serde(rename = "member.left")]
    MemberLeft(MemberLeft),
    #[serde(rename = "group.renamed")]
    GroupRenamed(GroupRenamed),
    #[serde(rename = "role.changed")]
    RoleChanged(RoleChanged),
    #[serde(rename = "group.settings_changed")]
    GroupSettingsChanged(GroupSettingsChanged),
    #[serde(rename = "member.muted")]
    MemberMuted(MemberMuted),
    #[serde(rename = "member.banned")]
    MemberBanned(MemberBanned),
    #[serde(rename = "member.unbanned")]
    MemberUnbanned(MemberUnbanned),
    #[serde(rename = "link.created")]
    LinkCreated(LinkCreated),
    #[serde(rename = "link.revoked")]
    LinkRevoked(LinkRevoked),
    #[serde(rename = "join.requested")]
    JoinRequested(JoinRequested),
    #[serde(rename = "join.refused")]
    JoinRefused(JoinRefused),
    #[serde(rename = "message.sent")]
    MessageSent(MessageSent),
    #[serde(rename = "message.edited")]
    MessageEdited(MessageEdited),
    #[serde(rename = "message.recalled")]
    MessageRecalled(MessageRecalled),
    #[serde(rename = "reaction.changed")]
    ReactionChanged(ReactionChanged),
    #[serde(rename = "pin.changed")]
    PinChanged(PinChanged),
    #[serde(rename = "message.withheld")]
    MessageWithheld(MessageWithheld),
    #[serde(rename = "invitation.sent")]
    InvitationSent(InvitationSent),
    #[serde(rename = "invitation.accepted")]
    InvitationAccepted(InvitationAccepted),
    #[serde(rename = "invitation.declined")]
    InvitationDeclined(InvitationDeclined),
    #[serde(rename = "invitation.withdrawn")]
    InvitationWithdrawn(InvitationWithdrawn),
    /// A kind or shape that this version does not know; the raw data is in [`crate::Event::data`].
    #[serde(skip)]
    Unknown,
}

impl EventData {
    /// Reads `data` as what `kind` says it is.
    pub fn decode(kind: &EventKind, data: &str) -> Self {
        fn read<'a, T: Deserialize<'a>>(data: &'a str, make: impl FnOnce(T) -> EventData) -> EventData {
            serde_json::from_str(data).map_or(EventData::Unknown, make)
        }
        match kind {
            EventKind::DirectOpened => read(data, Self::DirectOpened),
            EventKind::GroupCreated => read(data, Self::GroupCreated),
            EventKind::MemberAdded => read(data, Self::MemberAdded),
            EventKind::MemberRemoved => read(data, Self::MemberRemoved),
            EventKind::MemberLeft => read(data, Self::MemberLeft),
            EventKind::GroupRenamed => read(data, Self::GroupRenamed),
            EventKind::RoleChanged => read(data, Self::RoleChanged),
            EventKind::GroupSettingsChanged => read(data, Self::GroupSettingsChanged),
            EventKind::MemberMuted => read(data, Self::MemberMuted),
            EventKind::MemberBanned => read(data, Self::MemberBanned),
            EventKind::MemberUnbanned => read(data, Self::MemberUnbanned),
            EventKind::LinkCreated => read(data, Self::LinkCreated),
            EventKind::LinkRevoked => read(data, Self::LinkRevoked),
            EventKind::JoinRequested => read(data, Self::JoinRequested),
            EventKind::JoinRefused => read(data, Self::JoinRefused),
            EventKind::MessageSent => read(data, Self::MessageSent),
            EventKind::MessageEdited => read(data, Self::MessageEdited),
            EventKind::MessageRecalled => read(data, Self::MessageRecalled),
            EventKind::ReactionChanged => read(data, Self::ReactionChanged),
            EventKind::PinChanged => read(data, Self::PinChanged),
            EventKind::MessageWithheld => read(data, Self::MessageWithheld),
            EventKind::InvitationSent => read(data, Self::InvitationSent),
            EventKind::InvitationAccepted => read(data, Self::InvitationAccepted),
            EventKind::InvitationDeclined => read(data, Self::InvitationDeclined),
            EventKind::InvitationWithdrawn => read(data, Self::InvitationWithdrawn),
            EventKind::Other(_) => Self::Unknown,
        }
    }
}
