//! Invitations by name: somebody is asked to come in, and comes or does not. Until then they are no member, and see nothing of the group but
//! its name.
//!
//! An invitation ends by an event of its own, whatever ends it, or with its time. Whether the one who is invited is told of it is not decided
//! here: a block between two people must not show in what happens to a group.

use super::{Conversation, Shape};
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::moment::Moment;
use crate::rejection::{Field, Rejection};
use crate::text::GroupName;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most invitations of a group that are open at a time.
pub const INVITATIONS_MAX: usize = 200;
/// The most invitations that somebody sends in a day, into all groups together.
pub const INVITATIONS_A_DAY: u32 = 200;
/// How long an invitation is open, in seconds.
pub const INVITATION_SECONDS: u32 = 30 * 24 * 60 * 60;
/// How long whoever has declined is not invited again, in seconds.
pub const DECLINED_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Somebody is asked to come in, until a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationSent {
    pub user: UserId,
    pub by: UserId,
    pub until: Moment,
    /// What the group was called then.
    pub name: GroupName,
}

impl Stored for InvitationSent {
    const KIND: Kind = Kind::INVITATION_SENT;
    const NAME: &'static str = "invitation.sent";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::InvitationSent(self).into()
    }
}

macro_rules! ended {
    ($(#[$doc:meta])* $name:ident, $kind:ident, $wire:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            pub user: UserId,
        }

        impl Stored for $name {
            const KIND: Kind = Kind::$kind;
            const NAME: &'static str = $wire;
            const CONTROL: bool = true;

            fn into_event(self) -> Event {
                ConversationEvent::$name(self).into()
            }
        }
    };
}

ended! {
    /// Whoever was invited comes in, by the event behind this one.
    InvitationAccepted, INVITATION_ACCEPTED, "invitation.accepted"
}
ended! {
    /// Whoever was invited does not come.
    InvitationDeclined, INVITATION_DECLINED, "invitation.declined"
}
ended! {
    /// Somebody is invited no more: it was taken back, they were let in or banned, or whoever has invited them goes.
    InvitationWithdrawn, INVITATION_WITHDRAWN, "invitation.withdrawn"
}

/// An invitation that has no answer, if it is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invitation {
    pub(super) by: UserId,
    pub(super) until: Moment,
}

/// The invitations of a group that have no answer, by who is invited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invitations(BTreeMap<UserId, Invitation>);

impl Invitations {
    pub(super) fn add(&mut self, sent: &InvitationSent) {
        let InvitationSent { user, by, until, .. } = *sent;
        self.0.insert(user, Invitation { by, until });
    }

    /// Returns who has sent it, if there was one.
    pub(super) fn end(&mut self, user: UserId) -> Option<UserId> {
        self.0.remove(&user).map(|invitation| invitation.by)
    }

    /// Those that are over by then are kept no longer.
    pub(super) fn date(&mut self, at: DateTime<Utc>) {
        if !self.0.is_empty() {
            self.0.retain(|_, invitation| invitation.until.time() > at);
        }
    }

    /// The one that somebody can answer.
    fn open(&self, user: UserId, now: DateTime<Utc>) -> Option<Invitation> {
        let invitation = self.0.get(&user).copied();
        invitation.filter(|invitation| invitation.until.time() > now)
    }

    /// How many can be answered.
    fn count_open(&self, now: DateTime<Utc>) -> usize {
        let open = self.0.values();
        open.filter(|invitation| invitation.until.time() > now).count()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (UserId, Invitation)> + '_ {
        self.0.iter().map(|(user, invitation)| (*user, *invitation))
    }
}

impl FromIterator<(UserId, Invitation)> for Invitations {
    fn from_iter<I: IntoIterator<Item = (UserId, Invitation)>>(invitations: I) -> Self {
        Self(invitations.into_iter().collect())
    }
}

impl Conversation {
    /// Whoever may add people invites them, those too who do not want to be added. What the other one wants of the actor does not count here:
    /// an invitation that they do not want is one of which they are not told.
    pub(super) fn invite(
        &self,
        actor: UserId,
        user: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.inviter(actor, now)?;
        if !facts.has_users(&[user]) {
            return Err(Rejection::NotFound(Field::User));
        }
        if self.is_banned(user, now) {
            return Err(Rejection::Denied {
                field: Field::User,
                reason: "this user is banned from the group",
            });
        }
        if self.is_member(user) {
            return Err(Rejection::Conflict("this user is a member already"));
        }
        if self.invitations.open(user, now).is_some() {
            return Ok(vec![]);
        }
        if let Some(wait) = self.declines.wait(user, DECLINED_SECONDS, now) {
            return Err(Rejection::TooOften {
                field: Field::User,
                reason: "whoever has declined is invited again a week later",
                wait,
            });
        }
        if let Some(wait) = self.taken_back.wait((actor, user), now) {
            return Err(Rejection::TooOften {
                field: Field::User,
                reason: "who had no answer to three invitations invites again a week later",
                wait,
            });
        }
        let ties = facts.ties(actor, user);
        if ties.invitations >= INVITATIONS_A_DAY {
            return Err(Rejection::TooOften {
                field: Field::User,
                reason: "you have invited too many people today",
                wait: ties.free_at.map_or(TimeDelta::hours(1), |free| free - now),
            });
        }
        if self.invitations.count_open(now) >= INVITATIONS_MAX {
            return Err(Rejection::Conflict("the group has too many open invitations"));
        }
        let name = self.name.as_deref().ok_or(Rejection::NotAMember)?;
        Ok(vec![ConversationEvent::InvitationSent(InvitationSent {
            user,
            by: actor,
            until: (now + TimeDelta::seconds(i64::from(INVITATION_SECONDS))).into(),
            name: name.clone(),
        })])
    }

    /// To whoever is not invited a group is as one that is not there, and also where who has invited them may add nobody now.
    pub(super) fn accept_invitation(
        &self,
        actor: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let invitation = self.invited(actor, now)?;
        if self.inviter(invitation.by, now).is_err() {
            return Err(Rejection::NotAMember);
        }
        self.come_in(actor, None, facts, now)
    }

    pub(super) fn decline_invitation(
        &self,
        actor: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.invited(actor, now)?;
        let declined = InvitationDeclined { user: actor };
        Ok(vec![ConversationEvent::InvitationDeclined(declined)])
    }

    /// Owners and admins take back any invitation, others those that they have sent; and whoever asks to be let in, that.
    pub(super) fn withdraw_invitation(
        &self,
        actor: UserId,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if actor == user && !self.is_member(actor) {
            return self.ask_no_more(actor, now);
        }
        let role = self.group(actor)?;
        let open = self.invitations.open(user, now);
        let invitation = open.ok_or(Rejection::NotFound(Field::User))?;
        if role < Role::Admin && invitation.by != actor {
            return Err(Rejection::Forbidden("only an owner or admin can do this"));
        }
        Ok(self.withdrawn(user, now).into_iter().collect())
    }

    /// Refuses whoever has nothing to answer.
    fn invited(&self, actor: UserId, now: DateTime<Utc>) -> Result<Invitation, Rejection> {
        if self.is_member(actor) {
            self.group(actor)?;
            return Err(Rejection::Conflict("you are a member already"));
        }
        // A group that everybody has left is over, with its invitations.
        let is_there = self.shape == Shape::Group && self.member_count() > 0;
        match self.invitations.open(actor, now) {
            // Of one who left before such invitations ended with them, it is not said that they did.
            Some(invitation) if is_there && self.is_member(invitation.by) => Ok(invitation),
            _ => Err(Rejection::NotAMember),
        }
    }

    /// That somebody who comes in of themselves was invited, where they were.
    pub(super) fn accepted(&self, user: UserId, now: DateTime<Utc>) -> Option<ConversationEvent> {
        let open = self.invitations.open(user, now);
        open.map(|_| ConversationEvent::InvitationAccepted(InvitationAccepted { user }))
    }

    /// That somebody is invited no more, where they were.
    pub(super) fn withdrawn(&self, user: UserId, now: DateTime<Utc>) -> Option<ConversationEvent> {
        let open = self.invitations.open(user, now);
        open.map(|_| ConversationEvent::InvitationWithdrawn(InvitationWithdrawn { user }))
    }

    /// That those whom somebody has invited, and who have not answered, are invited no more.
    pub(super) fn withdraw_invitations_of(
        &self,
        by: UserId,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = ConversationEvent> + '_ {
        let theirs = self
            .invitations
            .iter()
            .filter(move |(_, invitation)| invitation.by == by);
        let open = theirs.filter(move |(_, invitation)| invitation.until.time() > now);
        open.map(|(user, _)| ConversationEvent::InvitationWithdrawn(InvitationWithdrawn { user }))
    }
}

pub(crate) fn invite_form(form: &mut Form, user: UserId) {
    form.tag(24);
    form.id(user.0);
}

pub(crate) fn accept_form(form: &mut Form) {
    form.tag(25);
}

pub(crate) fn decline_form(form: &mut Form) {
    form.tag(26);
}

pub(crate) fn withdraw_form(form: &mut Form, user: UserId) {
    form.tag(27);
    form.id(user.0);
}
