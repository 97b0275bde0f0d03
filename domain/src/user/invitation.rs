//! What somebody is told of invitations into groups, on their own stream: that they are invited, and what has become of that, so that all of
//! their devices know.

use crate::event::{Event, UserEvent};
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use crate::text::GroupName;
use crate::user::contact::Told;
use serde::{Deserialize, Serialize};
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
