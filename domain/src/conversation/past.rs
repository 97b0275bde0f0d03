//! What a conversation was at a moment that is past: folded from its control events up to then, with the times that those are shown who look
//! back, and without what only decisions need.

use super::group_settings::GroupSettings;
use crate::event::ConversationEvent;
use crate::id::UserId;
use crate::kind::Kind;
use crate::membership::{Membership, Role};
use crate::text::GroupName;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// A conversation as it was. Nothing happened before its first event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// When it began, and whether it is one of two.
    begun: Option<(DateTime<Utc>, bool)>,
    name: Option<GroupName>,
    settings: GroupSettings,
    members: BTreeMap<UserId, PastMember>,
    /// Seqs of messages, by the seq of the event that pinned each.
    pins: BTreeMap<u64, u64>,
    changed_at: Option<DateTime<Utc>>,
}

/// Somebody's membership then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastMember {
    pub role: Role,
    /// When they joined, the latest time.
    pub joined_at: DateTime<Utc>,
}

impl Past {
    /// Control events of a conversation's stream that change nothing of it. All others must be folded, also those that this version does not
    /// know.
    pub const UNTOLD: [Kind; 15] = [
        Kind::MESSAGE_SENT,
        Kind::THREAD_REPLIED,
        Kind::THREAD_REPLIED_ALSO,
        Kind::MEMBER_MUTED,
        Kind::MEMBER_BANNED,
        Kind::MEMBER_UNBANNED,
        Kind::LINK_CREATED,
        Kind::LINK_REVOKED,
        Kind::JOIN_REQUESTED,
        Kind::JOIN_REFUSED,
        Kind::INVITATION_SENT,
        Kind::INVITATION_ACCEPTED,
        Kind::INVITATION_DECLINED,
        Kind::INVITATION_WITHDRAWN,
        Kind::MESSAGE_WITHHELD,
    ];

    /// When it began; `None` where it had not.
    pub fn begun_at(&self) -> Option<DateTime<Utc>> {
        self.begun.map(|(at, _)| at)
    }

    /// Whether it is a conversation of two.
    pub fn is_direct(&self) -> bool {
        self.begun.is_some_and(|(_, direct)| direct)
    }

    /// The name of a group.
    pub fn name(&self) -> Option<&GroupName> {
        self.name.as_ref()
    }

    pub fn settings(&self) -> &GroupSettings {
        &self.settings
    }

    /// Who was in it, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = (UserId, PastMember)> + '_ {
        self.members.iter().map(|(user, member)| (*user, *member))
    }

    /// The seqs of the messages that were pinned, the one that was pinned last first. What was recalled may be among them.
    pub fn pins(&self) -> impl Iterator<Item = u64> + '_ {
        self.pins.values().rev().copied()
    }

    /// When something happened last that is no message and brings a conversation to the top of lists.
    pub fn changed_at(&self) -> Option<DateTime<Utc>> {
        self.changed_at
    }

    /// Folds the event that stands at `seq` and was written at `at`. Total: what comes twice or is about somebody who is not in changes nothing
    /// more.
    pub fn evolve(&mut self, event: &ConversationEvent, seq: u64, at: DateTime<Utc>) {
        match event {
            ConversationEvent::DirectOpened(_) => self.begun = Some((at, true)),
            ConversationEvent::GroupCreated(created) => {
                (self.begun, self.name) = (Some((at, false)), Some(created.name.clone()));
            }
            ConversationEvent::GroupRenamed(renamed) => self.name = Some(renamed.name.clone()),
            ConversationEvent::RoleChanged(changed) => {
                if let Some(member) = self.members.get_mut(&changed.user) {
                    member.role = changed.role;
                }
            }
            ConversationEvent::GroupSettingsChanged(changed) => {
                self.settings = self.settings.with(&changed.settings);
            }
            ConversationEvent::PinChanged(changed) => {
                let is_pinned = self.pins.values().any(|message| *message == changed.message_seq);
                if !changed.on {
                    self.pins.retain(|_, message| *message != changed.message_seq);
                } else if !is_pinned {
                    self.pins.insert(seq, changed.message_seq);
                }
            }
            _ => {}
        }
        match event.membership() {
            Membership::Joined(joined) => {
                let joined = joined.iter().map(|(user, role)| {
                    let joined_at = at;
                    (user, PastMember { role, joined_at })
                });
                self.members.extend(joined);
            }
            Membership::Left(user) => {
                self.members.remove(&user);
            }
            Membership::Unchanged => {}
        }
        if event.brings_up() && !matches!(event, ConversationEvent::MessageSent(_)) {
            self.changed_at = Some(at);
        }
    }
}
