//! Invitations by name: somebody is asked to come in, and comes or does not. Until then they are no member, and see nothing of the group but
//! its name.
//!
//! Each inviter's is one of its own, and takes nobody else's place. It ends by an event, whatever ends it, or with its time. Whether the one who
//! is invited is told of it is not decided here: a block between two people must not show in what happens to a group.

use super::{Conversation, Shape};
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::moment::Moment;
use crate::pair::YOU_BLOCK;
use crate::rejection::{Field, Rejection};
use crate::text::GroupName;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The most invitations of a group that are open at a time.
pub const INVITATIONS_MAX: usize = 200;
/// The most of them that invite the same person, each by another.
pub const INVITERS_MAX: usize = 20;
/// The most invitations that somebody sends in a day, into all groups together.
pub const INVITATIONS_A_DAY: u32 = 200;
/// How long an invitation is open, in seconds.
pub const INVITATION_SECONDS: u32 = 30 * 24 * 60 * 60;
/// How long whoever has declined is not invited again, in seconds.
pub const DECLINED_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Somebody is asked to come in, until a moment. What others have sent them stays as it is.
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

macro_rules! answered {
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

answered! {
    /// Whoever was invited comes in, by the event behind this one. It answers whoever has invited them.
    InvitationAccepted, INVITATION_ACCEPTED, "invitation.accepted"
}
answered! {
    /// Whoever was invited does not come, by whomever.
    InvitationDeclined, INVITATION_DECLINED, "invitation.declined"
}

/// Somebody is invited no more: it was taken back, they were let in or banned, or whoever has invited them goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationWithdrawn {
    pub user: UserId,
    /// By whom they are invited no more; nothing, where that is everybody.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<UserId>,
}

impl Stored for InvitationWithdrawn {
    const KIND: Kind = Kind::INVITATION_WITHDRAWN;
    const NAME: &'static str = "invitation.withdrawn";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::InvitationWithdrawn(self).into()
    }
}

/// Who is invited, and by whom.
pub(super) type Asked = (UserId, UserId);

/// The invitations of a group that have no answer, those that are over included: until when each can be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invitations(BTreeMap<Asked, Moment>);

impl Invitations {
    pub(super) fn add(&mut self, sent: &InvitationSent) {
        self.0.insert((sent.user, sent.by), sent.until);
    }

    /// Ends the one that `by` has sent, or all of them. Returns whose have ended.
    pub(super) fn end(&mut self, user: UserId, by: Option<UserId>) -> Vec<UserId> {
        let theirs = self.of(user).map(|(inviter, _)| inviter);
        let ended: Vec<UserId> = theirs
            .filter(|inviter| by.is_none_or(|by| by == *inviter))
            .collect();
        for inviter in &ended {
            self.0.remove(&(user, *inviter));
        }
        ended
    }

    /// Those that are over by then are kept no longer.
    pub(super) fn date(&mut self, at: DateTime<Utc>) {
        if !self.0.is_empty() {
            self.0.retain(|_, until| until.time() > at);
        }
    }

    /// Who has invited somebody, and until when.
    fn of(&self, user: UserId) -> impl Iterator<Item = (UserId, Moment)> + '_ {
        let all = (user, UserId(Uuid::nil()))..=(user, UserId(Uuid::max()));
        self.0.range(all).map(|((_, by), until)| (*by, *until))
    }

    /// The same of those that can be answered.
    fn open(&self, user: UserId, now: DateTime<Utc>) -> impl Iterator<Item = (UserId, Moment)> + '_ {
        self.of(user).filter(move |(_, until)| until.time() > now)
    }

    /// Whether somebody can answer that of `by`.
    fn is_open(&self, asked: Asked, now: DateTime<Utc>) -> bool {
        self.0.get(&asked).is_some_and(|until| until.time() > now)
    }

    /// How many can be answered.
    fn count_open(&self, now: DateTime<Utc>) -> usize {
        self.0.values().filter(|until| until.time() > now).count()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (Asked, Moment)> + '_ {
        self.0.iter().map(|(asked, until)| (*asked, *until))
    }
}

impl FromIterator<(Asked, Moment)> for Invitations {
    fn from_iter<I: IntoIterator<Item = (Asked, Moment)>>(invitations: I) -> Self {
        Self(invitations.into_iter().collect())
    }
}

impl Conversation {
    /// Whoever may add people invites them, those too who do not want to be added, but nobody whom they block. What the other one wants of the actor
    /// does not count here: an invitation that they do not want is one of which they are not told.
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
        if facts.blocks(actor, user) {
            return Err(Rejection::Denied {
                field: Field::User,
                reason: YOU_BLOCK,
            });
        }
        if self.invitations.is_open((user, actor), now) {
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
        let gives_way = self.gives_way(actor, user, now)?;
        if gives_way.is_none() && self.invitations.count_open(now) >= INVITATIONS_MAX {
            return Err(Rejection::Conflict("the group has too many open invitations"));
        }
        let name = self.name.as_deref().ok_or(Rejection::NotAMember)?;
        let sent = ConversationEvent::InvitationSent(InvitationSent {
            user,
            by: actor,
            until: (now + TimeDelta::seconds(i64::from(INVITATION_SECONDS))).into(),
            name: name.clone(),
        });
        Ok(gives_way.into_iter().chain([sent]).collect())
    }

    /// What ends so that `actor` can invite somebody whom as many invite as can be. It is one that lets them in no more, because its sender may
    /// add nobody; or else, since owners and admins may take back any, the oldest of those whose senders have the least to say. To others it is
    /// refused. Whom the one who is invited blocks does not count, so the answer tells nothing of it.
    fn gives_way(
        &self,
        actor: UserId,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Option<ConversationEvent>, Rejection> {
        if self.invitations.open(user, now).count() < INVITERS_MAX {
            return Ok(None);
        }
        let lets_in = |by: UserId| self.inviter(by, now).is_ok();
        let open = self.invitations.open(user, now);
        let least = open.min_by_key(|(by, until)| (lets_in(*by), self.role(*by), *until, *by));
        match least {
            Some((by, _)) if !lets_in(by) || self.manager(actor, now).is_ok() => {
                Ok(Some(no_more(user, Some(by))))
            }
            _ => Err(Rejection::Conflict("too many people invite this user already")),
        }
    }

    /// To whoever is not invited a group is as one that is not there, and also where nobody who has invited them may add anybody now.
    pub(super) fn accept_invitation(
        &self,
        actor: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.invited(actor, now)?;
        let mut inviters = self.invitations.open(actor, now).map(|(by, _)| by);
        if !inviters.any(|by| self.inviter(by, now).is_ok()) {
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

    /// Owners and admins end all invitations of somebody, others the one that they have sent; and whoever asks to be let in, that.
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
        let all = self.withdrawn(user, now).ok_or(Rejection::Missing {
            field: Field::User,
            reason: "this user is not invited",
        })?;
        if role >= Role::Admin {
            return Ok(vec![all]);
        }
        if !self.invitations.is_open((user, actor), now) {
            return Err(Rejection::Forbidden("only an owner or admin can do this"));
        }
        Ok(vec![no_more(user, Some(actor))])
    }

    /// Refuses whoever has nothing to answer.
    fn invited(&self, actor: UserId, now: DateTime<Utc>) -> Result<(), Rejection> {
        if self.is_member(actor) {
            self.group(actor)?;
            return Err(Rejection::Conflict("you are a member already"));
        }
        // A group that everybody has left is over, with its invitations.
        let is_there = self.shape == Shape::Group && self.member_count() > 0;
        // Of one who left before such invitations ended with them, it is not said that they did.
        let mut open = self.invitations.open(actor, now);
        if is_there && open.any(|(by, _)| self.is_member(by)) {
            return Ok(());
        }
        Err(Rejection::NotAMember)
    }

    /// That somebody who comes in of themselves was invited, where they were.
    pub(super) fn accepted(&self, user: UserId, now: DateTime<Utc>) -> Option<ConversationEvent> {
        let mut open = self.invitations.open(user, now);
        open.next()
            .map(|_| ConversationEvent::InvitationAccepted(InvitationAccepted { user }))
    }

    /// That somebody is invited by nobody any more, where they were.
    pub(super) fn withdrawn(&self, user: UserId, now: DateTime<Utc>) -> Option<ConversationEvent> {
        let mut open = self.invitations.open(user, now);
        open.next().map(|_| no_more(user, None))
    }

    /// That those whom somebody has invited, and who have not answered, are no more invited by them.
    pub(super) fn withdraw_invitations_of(
        &self,
        by: UserId,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = ConversationEvent> + '_ {
        let theirs = self
            .invitations
            .iter()
            .filter(move |((_, inviter), _)| *inviter == by);
        let open = theirs.filter(move |(_, until)| until.time() > now);
        open.map(move |((user, _), _)| no_more(user, Some(by)))
    }
}

/// Somebody is invited no more, by one or by everybody.
fn no_more(user: UserId, by: Option<UserId>) -> ConversationEvent {
    ConversationEvent::InvitationWithdrawn(InvitationWithdrawn { user, by })
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
