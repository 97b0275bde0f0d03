//! Bans: people who are out of a group, and stay out.

use super::Conversation;
use crate::digest::Form;
use crate::event::{ConversationEvent, Event, MemberRemoved};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::moment::Moment;
use crate::rejection::{Field, Rejection};
use crate::text::Reason;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The most people whom a group bans at a time.
pub const BANS_MAX: usize = 100_000;

/// Somebody does not come in again, until a moment or until the ban is lifted. Where they were in, an event before this one has put them out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberBanned {
    pub user: UserId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

impl Stored for MemberBanned {
    const KIND: Kind = Kind::MEMBER_BANNED;
    const NAME: &'static str = "member.banned";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MemberBanned(self).into()
    }
}

/// Somebody may come in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberUnbanned {
    pub user: UserId,
}

impl Stored for MemberUnbanned {
    const KIND: Kind = Kind::MEMBER_UNBANNED;
    const NAME: &'static str = "member.unbanned";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MemberUnbanned(self).into()
    }
}

impl Conversation {
    /// Admins ban ordinary members and people who are not in, owners everybody else.
    pub(super) fn ban(
        &self,
        actor: UserId,
        (user, until, reason): (UserId, Option<Moment>, Option<&Reason>),
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let own = self.manager(actor, now)?;
        if actor == user {
            return Err(Rejection::invalid(Field::User, "nobody bans themselves"));
        }
        if until.is_some_and(|until| until.time() <= now) {
            return Err(Rejection::invalid(Field::Until, "this is over"));
        }
        if !facts.has_users(&[user]) {
            return Err(Rejection::NotFound(Field::User));
        }
        let role = self.role(user);
        if own != Role::Owner && role.is_some_and(|role| role >= own) {
            return Err(Rejection::Forbidden("an admin can ban ordinary members only"));
        }
        if !self.is_banned(user, now) && self.has_banned_most(now) {
            return Err(Rejection::Conflict("the group has banned too many people"));
        }
        let withdrawn = self.withdrawn(user, now);
        let removed = role.map(|_| ConversationEvent::MemberRemoved(MemberRemoved { user }));
        let banned = ConversationEvent::MemberBanned(MemberBanned {
            user,
            until,
            reason: reason.cloned(),
        });
        // The ack names the last event, which is what was asked for.
        Ok(self
            .end_handed_out(user, now)
            .chain(withdrawn)
            .chain(removed)
            .chain([banned])
            .collect())
    }

    pub(super) fn unban(
        &self,
        actor: UserId,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.manager(actor, now)?;
        if self.bans.get(user).is_none() {
            return Ok(vec![]);
        }
        Ok(vec![ConversationEvent::MemberUnbanned(MemberUnbanned { user })])
    }

    /// Whether nobody more can be banned now. Those whose bans are over do not count; only where they might, it is looked who they are.
    fn has_banned_most(&self, now: DateTime<Utc>) -> bool {
        self.bans.count() >= BANS_MAX && {
            let held = self.bans.iter().filter(|(_, until)| holds(*until, now));
            held.count() >= BANS_MAX
        }
    }

    /// Where more are kept than a group may ban, those that are over by then are kept no longer.
    pub(super) fn end_bans(&mut self, at: DateTime<Utc>) {
        if self.bans.count() <= BANS_MAX {
            return;
        }
        let over = self.bans.iter().filter(|(_, until)| !holds(*until, at));
        let over: Vec<UserId> = over.map(|(user, _)| user).collect();
        for user in over {
            self.bans.set(user, None);
        }
    }

    /// Whether somebody may not come in now.
    pub(super) fn is_banned(&self, user: UserId, now: DateTime<Utc>) -> bool {
        self.bans.get(user).is_some_and(|until| holds(until, now))
    }
}

fn holds(until: Option<Moment>, now: DateTime<Utc>) -> bool {
    until.is_none_or(|until| until.time() > now)
}

pub(crate) fn ban_form(form: &mut Form, user: UserId, until: Option<Moment>, reason: Option<&Reason>) {
    form.tag(15);
    form.id(user.0);
    form.moment(until);
    form.text(reason.map_or("", Reason::as_str));
}

pub(crate) fn unban_form(form: &mut Form, user: UserId) {
    form.tag(16);
    form.id(user.0);
}
