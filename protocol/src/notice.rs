//! Notices: durable events of a user's own stream, which all devices of that user are told of, and nobody else.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    AccountMatter, Announcement, ContactChanged, ContactRequested, ConversationArchived, ConversationCleared,
    ConversationMarked, ConversationMuted, GroupAnswered, GroupAsked, GroupInvited, InvitationEnded,
    JoinAnswered, MessagesHidden, Profile, Settings, ThreadFollowed, ThreadRead, Timestamp, UserBlocked,
};

/// A durable event of the user's own stream.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Of the user's own stream, rising. It jumps: the stream holds other things, too.
    pub seq: u64,
    pub kind: String,
    pub at: Timestamp,
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub data: Box<RawValue>,
}

/// What a notice says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "data")]
pub enum NoticeData {
    #[serde(rename = "conversation.muted")]
    ConversationMuted(ConversationMuted),
    #[serde(rename = "conversation.archived")]
    ConversationArchived(ConversationArchived),
    #[serde(rename = "conversation.marked")]
    ConversationMarked(ConversationMarked),
    #[serde(rename = "message.hidden")]
    MessagesHidden(MessagesHidden),
    #[serde(rename = "conversation.cleared")]
    ConversationCleared(ConversationCleared),
    #[serde(rename = "thread.followed")]
    ThreadFollowed(ThreadFollowed),
    #[serde(rename = "thread.read")]
    ThreadRead(ThreadRead),
    #[serde(rename = "profile.updated")]
    ProfileUpdated(Profile),
    #[serde(rename = "settings.updated")]
    SettingsUpdated(Settings),
    #[serde(rename = "contact.requested")]
    ContactRequested(ContactRequested),
    #[serde(rename = "contact.accepted")]
    ContactAccepted(ContactChanged),
    /// The user does not want it, of which the other one is not told.
    #[serde(rename = "contact.declined")]
    ContactDeclined(ContactChanged),
    #[serde(rename = "contact.withdrawn")]
    ContactWithdrawn(ContactChanged),
    #[serde(rename = "contact.removed")]
    ContactRemoved(ContactChanged),
    #[serde(rename = "user.blocked")]
    UserBlocked(UserBlocked),
    #[serde(rename = "group.invited")]
    GroupInvited(GroupInvited),
    #[serde(rename = "invitation.ended")]
    InvitationEnded(InvitationEnded),
    #[serde(rename = "group.asked")]
    GroupAsked(GroupAsked),
    #[serde(rename = "group.answered")]
    GroupAnswered(GroupAnswered),
    #[serde(rename = "join.answered")]
    JoinAnswered(JoinAnswered),
    #[serde(rename = "announcement")]
    Announcement(Announcement),
    #[serde(rename = "account")]
    Account(AccountMatter),
    /// Notices are not sent. What they would have said is seen over GraphQL.
    #[serde(rename = "gap")]
    Gap(NoticeGap),
    /// A kind or shape that this version does not know; the raw data is in [`Notice::data`].
    #[serde(skip)]
    Unknown,
}

/// The notices `from` to `to` (both included) are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeGap {
    pub from: u64,
    pub to: u64,
}

impl Notice {
    /// The data by kind; [`NoticeData::Unknown`] for a kind or shape that this version does not know.
    pub fn decode(&self) -> NoticeData {
        let data = self.data.get();
        match self.kind.as_str() {
            "conversation.muted" => read(data, NoticeData::ConversationMuted),
            "conversation.archived" => read(data, NoticeData::ConversationArchived),
            "conversation.marked" => read(data, NoticeData::ConversationMarked),
            "message.hidden" => read(data, NoticeData::MessagesHidden),
            "conversation.cleared" => read(data, NoticeData::ConversationCleared),
            "thread.followed" => read(data, NoticeData::ThreadFollowed),
            "thread.read" => read(data, NoticeData::ThreadRead),
            "profile.updated" => read(data, NoticeData::ProfileUpdated),
            "settings.updated" => read(data, NoticeData::SettingsUpdated),
            "contact.requested" => read(data, NoticeData::ContactRequested),
            "contact.accepted" => read(data, NoticeData::ContactAccepted),
            "contact.declined" => read(data, NoticeData::ContactDeclined),
            "contact.withdrawn" => read(data, NoticeData::ContactWithdrawn),
            "contact.removed" => read(data, NoticeData::ContactRemoved),
            "user.blocked" => read(data, NoticeData::UserBlocked),
            "group.invited" => read(data, NoticeData::GroupInvited),
            "invitation.ended" => read(data, NoticeData::InvitationEnded),
            "group.asked" => read(data, NoticeData::GroupAsked),
            "group.answered" => read(data, NoticeData::GroupAnswered),
            "join.answered" => read(data, NoticeData::JoinAnswered),
            "announcement" => read(data, NoticeData::Announcement),
            "account" => read(data, NoticeData::Account),
            "gap" => read(data, NoticeData::Gap),
            _ => NoticeData::Unknown,
        }
    }
}

fn read<'de, T: Deserialize<'de>>(data: &'de str, wrap: impl FnOnce(T) -> NoticeData) -> NoticeData {
    serde_json::from_str(data).map_or(NoticeData::Unknown, wrap)
}

/// A notice about to be encoded, its data borrowed from the log.
#[derive(Clone, Copy)]
pub struct NoticeRef<'a> {
    pub seq: u64,
    /// A name of the wire: it is written as it is, so it must not need escaping.
    pub kind: &'a str,
    pub at: Timestamp,
    /// A JSON object; it is written as it is, so it must be valid and without newlines.
    pub data: &'a str,
}

impl fmt::Display for NoticeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, kind, at, data } = self;
        write!(
            f,
            r#"{{"type":"notice","seq":{seq},"kind":"{kind}","at":"{at}","data":{data}}}"#
        )
    }
}
