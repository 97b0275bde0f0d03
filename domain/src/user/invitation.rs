//! What somebody is told of invitations into groups, on their own stream: that they are invited, and what has become of that, so that all of
//! their devices know.

use super::open::make_room;
use crate::event::{Event, UserEvent};
use crate::frozen::Frozen;
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use crate::text::GroupName;
use crate::user::contact::Told;
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Somebody is asked into a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInvited {
    pub conversation: ConversationId,
    /// What the group was called then.
    pub name: GroupName,
    pub by: UserId,
    pub until: Moment,
}

impl Stored for GroupInvited {
    const KIND: Kind = Kind::GROUP_INVITED;
    const NAME: &'static str = "group.invited";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::Told(Told::Invited(self)).into()
    }
}

/// Invitations into a group that were told of can be answered no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationEnded {
    pub conversation: ConversationId,
    pub outcome: Ending,
    /// Whose has ended; nothing, where all have.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<UserId>,
}

/// What has become of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    Accepted,
    Declined,
    Withdrawn,
}

impl Stored for InvitationEnded {
    const KIND: Kind = Kind::INVITATION_ENDED;
    const NAME: &'static str = "invitation.ended";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::Told(Told::InvitationEnded(self)).into()
    }
}

/// An invitation into a group, by somebody.
pub(super) type Invitation = (ConversationId, UserId);

impl GroupInvited {
    pub(super) fn invitation(&self) -> Invitation {
        (self.conversation, self.by)
    }
}

impl InvitationEnded {
    /// Those that it ends.
    pub(super) fn invitations(self) -> RangeInclusive<Invitation> {
        let (first, last) = self.by.map_or((Uuid::nil(), Uuid::max()), |by| (by.0, by.0));
        (self.conversation, UserId(first))..=(self.conversation, UserId(last))
    }
}

/// The invitations that somebody was told of and that have not ended by a word, those that are over included: until when each is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invited(BTreeMap<Invitation, Moment>);

impl Invited {
    /// Whether they were told of any of these.
    pub(super) fn has_any(&self, invitations: RangeInclusive<Invitation>) -> bool {
        self.0.range(invitations).next().is_some()
    }

    pub(super) fn push(&mut self, invitation: Invitation, until: Moment) {
        self.0.insert(invitation, until);
        make_room(&mut self.0, |until| *until);
    }

    pub(super) fn remove_all(&mut self, invitations: RangeInclusive<Invitation>) {
        let over: Vec<Invitation> = self.0.range(invitations).map(|(key, _)| *key).collect();
        for key in over {
            self.0.remove(&key);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn freeze(&self, out: &mut Vec<u8>) {
        out.extend((self.0.len() as u64).to_le_bytes());
        for ((conversation, by), until) in &self.0 {
            out.extend(conversation.0.as_bytes());
            out.extend(by.0.as_bytes());
            out.extend(until.time().timestamp_millis().to_le_bytes());
        }
    }

    pub(super) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let count = frozen.number()?;
        let all = frozen.list(count, 40, |frozen| {
            let conversation = ConversationId(Uuid::from_bytes(frozen.array()?));
            let by = UserId(Uuid::from_bytes(frozen.array()?));
            let until = DateTime::from_timestamp_millis(i64::from_le_bytes(frozen.array()?))?;
            Some(((conversation, by), Moment::from(until)))
        })?;
        let mut invited = Self::default();
        for (invitation, until) in all {
            invited.push(invitation, until);
        }
        Some(invited)
    }
}
