//! @everyone: messages that mention all members of a group at once.

use super::{Conversation, Shape};
use crate::membership::Role;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;

/// How many messages of a group mention everyone in any hour.
pub const EVERYONE_PER_HOUR: usize = 10;

const HOUR: TimeDelta = TimeDelta::hours(1);

/// When a group mentioned everyone: the latest times, as many as may be in an hour. One that is decided and not written yet has no time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Calls(VecDeque<Option<DateTime<Utc>>>);

impl Calls {
    /// One more, whose time is not known yet.
    pub(super) fn add(&mut self) {
        self.0.push_back(None);
        if self.0.len() > EVERYONE_PER_HOUR {
            self.0.pop_front();
        }
    }

    /// Those without a time were then.
    pub(super) fn date(&mut self, at: DateTime<Utc>) {
        for call in self.0.iter_mut().rev().take_while(|call| call.is_none()) {
            *call = Some(at);
        }
    }

    /// What lies ahead counts as happening now: see [`Stream::cap`](crate::Stream::cap).
    pub(super) fn cap(&mut self, now: DateTime<Utc>) {
        for at in self.0.iter_mut().flatten() {
            *at = now.min(*at);
        }
    }

    /// How long it is until there may be one more; `None` where there may be one now.
    fn wait(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        if self.0.len() < EVERYONE_PER_HOUR {
            return None;
        }
        let oldest = self.0.front()?.unwrap_or(now);
        // Clocks that differ make nobody wait for longer.
        let wait = (oldest + HOUR - now).min(HOUR);
        (wait > TimeDelta::zero()).then_some(wait)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Option<DateTime<Utc>>> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Option<DateTime<Utc>>> for Calls {
    fn from_iter<I: IntoIterator<Item = Option<DateTime<Utc>>>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

impl Conversation {
    /// Refuses somebody who may not mention everyone, now or at all.
    pub(super) fn may_call_everyone(&self, role: Role, now: DateTime<Utc>) -> Result<(), Rejection> {
        if self.shape != Shape::Group {
            return Err(Rejection::invalid(
                Field::Everyone,
                "only in groups everyone can be mentioned",
            ));
        }
        if !self.settings.everyone.has(role) {
            return Err(Rejection::Denied {
                field: Field::Everyone,
                reason: "only owners and admins mention everyone in this group",
            });
        }
        self.calls.wait(now).map_or(Ok(()), |wait| {
            Err(Rejection::TooOften {
                field: Field::Everyone,
                reason: "everyone was mentioned too often in the last hour",
                wait,
            })
        })
    }
}
