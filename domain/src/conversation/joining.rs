//! Joining: who comes into a group of themselves, and who asks for it.

use super::group::GROUP_MEMBERS_MAX;
use super::group_settings::Join;
use super::{Conversation, Shape, THEY_ARE_IN_TOO_MANY, YOU_ARE_IN_TOO_MANY};
use crate::digest::Form;
use crate::event::{ConversationEvent, Event, MemberAdded};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most people who wait for an answer of a group at a time.
pub const JOIN_REQUESTS_MAX: usize = 1000;
/// How long whoever was refused does not ask again, in seconds.
pub const REFUSED_SECONDS: u32 = 24 * 60 * 60;

/// Somebody asks to be let in. Whoever comes in or is refused asks no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequested {
    pub user: UserId,
}

impl Stored for JoinRequested {
    const KIND: Kind = Kind::JOIN_REQUESTED;
    const NAME: &'static str = "join.requested";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::JoinRequested(self).into()
    }
}

/// Somebody who asked to be let in is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRefused {
    pub user: UserId,
}

impl Stored for JoinRefused {
    const KIND: Kind = Kind::JOIN_REFUSED;
    const NAME: &'static str = "join.refused";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::JoinRefused(self).into()
    }
}

impl Conversation {
    /// Into a group that is open, or in front of the door of one that wants to be asked. Of any other a stranger is told no more than of what
    /// is not there.
    pub(super) fn join(
        &self,
        actor: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.is_member(actor) {
            self.group(actor)?;
            return Err(Rejection::Conflict("you are a member already"));
        }
        // A group that everybody has left is over: whoever came in would own nothing of it.
        if self.shape != Shape::Group || self.member_count() == 0 {
            return Err(Rejection::NotAMember);
        }
        match self.settings.join {
            Join::Invite => Err(Rejection::NotAMember),
            Join::Open => self.come_in(actor, None, facts, now),
            Join::Request => self.ask(actor, facts, now),
        }
    }

    /// Somebody comes in of themselves, by a link, by an open door or by an invitation.
    pub(super) fn come_in(
        &self,
        actor: UserId,
        link: Option<Uuid>,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.is_member(actor) {
            return Err(Rejection::Conflict("you are a member already"));
        }
        self.lets_in(actor, facts, now)?;
        let added = ConversationEvent::MemberAdded(MemberAdded {
            user: actor,
            role: Role::Member,
            link,
        });
        // The ack names the last event: from there on they are in.
        Ok(self.accepted(actor, now).into_iter().chain([added]).collect())
    }

    fn ask(
        &self,
        actor: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.requests.contains(&actor) {
            return Ok(vec![]);
        }
        self.lets_in(actor, facts, now)?;
        if let Some(wait) = self.refusals.wait(actor, REFUSED_SECONDS, now) {
            return Err(Rejection::TooOften {
                field: Field::Conversation,
                reason: "whoever was refused asks again a day later",
                wait,
            });
        }
        if self.requests.len() >= JOIN_REQUESTS_MAX {
            return Err(Rejection::Conflict("too many people wait for an answer"));
        }
        Ok(vec![ConversationEvent::JoinRequested(JoinRequested {
            user: actor,
        })])
    }

    /// Refuses somebody who cannot come in of themselves, whatever others say.
    fn lets_in(&self, actor: UserId, facts: &Facts, now: DateTime<Utc>) -> Result<(), Rejection> {
        if self.is_banned(actor, now) {
            return Err(Rejection::Forbidden("you are banned from this group"));
        }
        if self.member_count() >= GROUP_MEMBERS_MAX {
            return Err(Rejection::Conflict("the group is full"));
        }
        if !facts.has_room(actor) {
            return Err(Rejection::Conflict(YOU_ARE_IN_TOO_MANY));
        }
        Ok(())
    }

    pub(super) fn approve(
        &self,
        actor: UserId,
        user: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.inviter(actor, now)?;
        if !self.requests.contains(&user) {
            return Err(Rejection::NotFound(Field::User));
        }
        if self.member_count() >= GROUP_MEMBERS_MAX {
            return Err(Rejection::Conflict("the group is full"));
        }
        if !facts.has_room(user) {
            return Err(Rejection::Conflict(THEY_ARE_IN_TOO_MANY));
        }
        let added = ConversationEvent::MemberAdded(MemberAdded {
            user,
            role: Role::Member,
            link: None,
        });
        Ok(self.withdrawn(user, now).into_iter().chain([added]).collect())
    }

    pub(super) fn refuse(
        &self,
        actor: UserId,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.inviter(actor, now)?;
        if !self.requests.contains(&user) {
            return Err(Rejection::NotFound(Field::User));
        }
        Ok(vec![ConversationEvent::JoinRefused(JoinRefused { user })])
    }
}

pub(crate) fn join_form(form: &mut Form) {
    form.tag(21);
}

pub(crate) fn approve_form(form: &mut Form, user: UserId) {
    form.tag(22);
    form.id(user.0);
}

pub(crate) fn refuse_form(form: &mut Form, user: UserId) {
    form.tag(23);
    form.id(user.0);
}
