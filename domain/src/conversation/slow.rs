//! Slow mode: members of a group wait between two messages. What they write meanwhile is a control event, so that everybody who decides
//! knows of it, wherever that is; elsewhere messages cost nothing by it.

use super::Conversation;
use super::book::Book;
use crate::id::UserId;
use crate::membership::Role;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// The longest that members wait, in seconds.
pub const SLOW_SECONDS_MAX: u32 = 21_600;

/// When people wrote last in slow mode, those who have left included. What is decided and not written yet has no time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Posts {
    last: Book<Option<DateTime<Utc>>>,
    undated: BTreeSet<UserId>,
}

impl Posts {
    /// Somebody has written, at a time that is not known yet.
    pub(super) fn add(&mut self, user: UserId) {
        self.last.set(user, Some(None));
        self.undated.insert(user);
    }

    /// What has no time happened then.
    pub(super) fn date(&mut self, at: DateTime<Utc>) {
        for user in std::mem::take(&mut self.undated) {
            self.last.set(user, Some(Some(at)));
        }
    }

    /// What lies ahead counts as happening now: see [`Stream::cap`](crate::Stream::cap).
    pub(super) fn cap(&mut self, now: DateTime<Utc>) {
        let ahead = self.last.iter().filter(|(_, at)| at.is_some_and(|at| at > now));
        let ahead: Vec<UserId> = ahead.map(|(user, _)| user).collect();
        for user in ahead {
            self.last.set(user, Some(Some(now)));
        }
    }

    /// How long somebody waits for their next message; `None` where they need not.
    pub(super) fn wait(&self, user: UserId, seconds: u32, now: DateTime<Utc>) -> Option<TimeDelta> {
        let pause = TimeDelta::seconds(i64::from(seconds));
        let last = self.last.get(user)?.unwrap_or(now);
        // Clocks that differ make nobody wait for longer.
        let wait = (last + pause - now).min(pause);
        (wait > TimeDelta::zero()).then_some(wait)
    }

    /// Nothing is kept of somebody any more.
    pub(super) fn remove(&mut self, user: UserId) {
        if self.last.get(user).is_some() {
            self.last.set(user, None);
            self.undated.remove(&user);
        }
    }

    /// Whether all have a time.
    pub(super) fn are_dated(&self) -> bool {
        self.undated.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.last.count()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UserId, Option<DateTime<Utc>>)> + '_ {
        self.last.iter()
    }
}

impl FromIterator<(UserId, Option<DateTime<Utc>>)> for Posts {
    fn from_iter<I: IntoIterator<Item = (UserId, Option<DateTime<Utc>>)>>(posts: I) -> Self {
        let last: Book<Option<DateTime<Utc>>> = posts.into_iter().collect();
        let undated = last.iter().filter(|(_, at)| at.is_none());
        Self {
            undated: undated.map(|(user, _)| user).collect(),
            last,
        }
    }
}

impl Conversation {
    /// Refuses a message that comes too soon behind its sender's last one. Returns whose next one has to wait for this one.
    pub(super) fn in_slow_mode(
        &self,
        actor: UserId,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<Option<UserId>, Rejection> {
        let seconds = self.settings.slow_s;
        if seconds == 0 || role >= Role::Admin {
            return Ok(None);
        }
        match self.posts.wait(actor, seconds, now) {
            None => Ok(Some(actor)),
            Some(wait) => Err(Rejection::TooOften {
                field: Field::Conversation,
                reason: "in slow mode members wait before they write again",
                wait,
            }),
        }
    }
}
