//! What somebody is told of invitations into groups, on their own stream: that they are invited, and what has become of that, so that all of
//! their devices know.

use crate::event::{Event, UserEvent};
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use crate::text::GroupName;
use crate::user::contact::Told;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The most invitations that somebody is told of and can answer. Of more, the one that is over first makes room.
pub const INVITED_MAX: usize = 1000;

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

/// The invitations that somebody was told of and that have not ended by a word, those that are over included: until when each is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invited(BTreeMap<Invitation, Moment>);

impl Invited {
    /// Whether it may be told: nobody hears of the end of what they have not heard of.
    pub(super) fn lets_tell(&self, told: &Told) -> bool {
        match told {
            Told::InvitationEnded(ended) => self.ended_by(*ended).next().is_some(),
            _ => true,
        }
    }

    pub(super) fn fold(&mut self, told: &Told) {
        match told {
            Told::Invited(invited) => self.push((invited.conversation, invited.by), invited.until),
            Told::InvitationEnded(ended) => {
                let over: Vec<Invitation> = self.ended_by(*ended).collect();
                for invitation in over {
                    self.0.remove(&invitation);
                }
            }
            _ => {}
        }
    }

    /// Those that a word ends.
    fn ended_by(&self, ended: InvitationEnded) -> impl Iterator<Item = Invitation> + '_ {
        let InvitationEnded { conversation, by, .. } = ended;
        let (first, last) = by.map_or((Uuid::nil(), Uuid::max()), |by| (by.0, by.0));
        let those = (conversation, UserId(first))..=(conversation, UserId(last));
        self.0.range(those).map(|(invitation, _)| *invitation)
    }

    pub(super) fn push(&mut self, invitation: Invitation, until: Moment) {
        self.0.insert(invitation, until);
        if self.0.len() > INVITED_MAX {
            let first = self.0.iter().min_by_key(|(id, until)| (**until, **id));
            if let Some(first) = first.map(|(id, _)| *id) {
                self.0.remove(&first);
            }
        }
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (Invitation, Moment)> + '_ {
        self.0.iter().map(|(id, until)| (*id, *until))
    }
}
