//! Joining: who comes into a group of themselves, and who asks for it.

use super::book::Book;
use super::group::GROUP_MEMBERS_MAX;
use super::group_settings::Join;
use super::history::UNWRITTEN;
use super::slow::Posts;
use super::{Conversation, Shape, THEY_ARE_IN_TOO_MANY, YOU_ARE_IN_TOO_MANY};
use crate::digest::Form;
use crate::event::{ConversationEvent, Event, MemberAdded};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use uuid::Uuid;

/// The most people who wait for an answer of a group at a time.
pub const JOIN_REQUESTS_MAX: usize = 1000;
/// How long somebody waits for an answer, in seconds. Then they ask no more, and may ask again.
pub const JOIN_REQUEST_SECONDS: u32 = 30 * 24 * 60 * 60;
/// The most people who are told that somebody asks a group to be let in.
pub const DOORKEEPERS_MAX: usize = 50;
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

/// Somebody who asked to be let in is not, or asks no more: then it is they who say so.
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

/// Who asks, since when, and by which event.
pub(super) type Request = (UserId, Option<DateTime<Utc>>, u64);

/// Those who ask to be let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Requests {
    /// Since when.
    since: Posts,
    /// By which event.
    seqs: Book<u64>,
}

impl Requests {
    /// Somebody asks by the event at `seq`, since a time that is not known yet.
    pub(super) fn add(&mut self, user: UserId, seq: u64) {
        self.since.add(user);
        self.seqs.set(user, Some(seq));
    }

    pub(super) fn end(&mut self, user: UserId) {
        self.since.remove(user);
        if self.seqs.get(user).is_some() {
            self.seqs.set(user, None);
        }
    }

    /// What has no time happened then. Requests that are over by then are kept no longer: it is looked when there is a new one.
    pub(super) fn date(&mut self, at: DateTime<Utc>) {
        if self.since.are_dated() {
            return;
        }
        self.since.date(at);
        let life = TimeDelta::seconds(i64::from(JOIN_REQUEST_SECONDS));
        let over = self
            .since
            .iter()
            .filter(|(_, since)| since.is_some_and(|since| since + life <= at));
        let over: Vec<UserId> = over.map(|(user, _)| user).collect();
        for user in over {
            self.end(user);
        }
    }

    /// What lies ahead counts as happening now: see [`Stream::cap`](crate::Stream::cap).
    pub(super) fn cap(&mut self, now: DateTime<Utc>) {
        self.since.cap(now);
    }

    /// Whether somebody waits for an answer.
    pub(super) fn is_open(&self, user: UserId, now: DateTime<Utc>) -> bool {
        self.since.wait(user, JOIN_REQUEST_SECONDS, now).is_some()
    }

    /// How many do.
    fn count_open(&self, now: DateTime<Utc>) -> usize {
        let open = self.since.iter().filter(|(user, _)| self.is_open(*user, now));
        open.count()
    }

    /// How many are kept.
    pub(super) fn count(&self) -> usize {
        self.since.count()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Request> + '_ {
        let seq = |user| self.seqs.get(user).unwrap_or(UNWRITTEN);
        self.since
            .iter()
            .map(move |(user, since)| (user, since, seq(user)))
    }
}

impl FromIterator<Request> for Requests {
    fn from_iter<I: IntoIterator<Item = Request>>(requests: I) -> Self {
        let requests: Vec<Request> = requests.into_iter().collect();
        Self {
            since: requests.iter().map(|(user, since, _)| (*user, *since)).collect(),
            seqs: requests.iter().map(|(user, _, seq)| (*user, *seq)).collect(),
        }
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
            asked: false,
            waited: self.requests.is_open(actor, now),
        });
        // The ack names the last event: from there on they are in.
        Ok(self.accepted(actor, now).into_iter().chain([added]).collect())
    }

    /// Whether somebody asks to be let in and has no answer.
    pub fn is_asked_by(&self, user: UserId, now: DateTime<Utc>) -> bool {
        self.requests.is_open(user, now)
    }

    /// Those who wait for an answer and have asked before the event at `seq`. What is decided and not written yet is asked behind them all.
    pub fn asked_before(&self, seq: u64, now: DateTime<Utc>) -> impl Iterator<Item = UserId> + '_ {
        let before = self.requests.iter().filter(move |(.., asked)| *asked < seq);
        let users = before.map(|(user, ..)| user);
        users.filter(move |user| self.requests.is_open(*user, now))
    }

    /// Those who are told that somebody asks to be let in: owners and admins who may answer, of many the owners first, and those who have been in
    /// for longest. Where all members may add people, they may answer, too, and find requests where they look for them.
    pub fn doorkeepers(&self, now: DateTime<Utc>) -> Vec<UserId> {
        self.keepers(|user| self.inviter(user, now).is_ok())
    }

    /// Owners and admins who may not answer now, as those who are muted, of whom some were told before that somebody asks. As many, and in the
    /// same order.
    pub fn resting_doorkeepers(&self, now: DateTime<Utc>) -> Vec<UserId> {
        self.keepers(|user| self.inviter(user, now).is_err())
    }

    fn keepers(&self, is_one: impl Fn(UserId) -> bool) -> Vec<UserId> {
        let managers = self
            .members
            .iter()
            .filter(|(_, member)| member.role >= Role::Admin);
        let mut keepers: Vec<_> = managers
            .filter(|(user, _)| is_one(*user))
            .map(|(user, member)| (Reverse(member.role), member.arrival, user))
            .collect();
        keepers.sort_unstable();
        keepers.truncate(DOORKEEPERS_MAX);
        keepers.into_iter().map(|(.., user)| user).collect()
    }

    fn ask(
        &self,
        actor: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.requests.is_open(actor, now) {
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
        if self.requests.count_open(now) >= JOIN_REQUESTS_MAX {
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

    /// Somebody asks no more to be let in. As whoever was refused they ask again a day later: what comes and goes is seen by all members.
    pub(super) fn ask_no_more(
        &self,
        actor: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.shape != Shape::Group || !self.requests.is_open(actor, now) {
            return Err(Rejection::NotAMember);
        }
        Ok(vec![ConversationEvent::JoinRefused(JoinRefused { user: actor })])
    }

    pub(super) fn approve(
        &self,
        actor: UserId,
        user: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.inviter(actor, now)?;
        if !self.requests.is_open(user, now) {
            return Err(Rejection::NO_REQUEST);
        }
        if !facts.has_users(&[user]) {
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
            asked: true,
            waited: false,
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
        if !self.requests.is_open(user, now) {
            return Err(Rejection::NO_REQUEST);
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
