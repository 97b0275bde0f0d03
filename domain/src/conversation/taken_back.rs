//! Invitations that ended before they had an answer, but for their time. Whoever is invited may be told of each, durably: nobody is told without
//! end who answers none.

use super::book::Book;
use crate::id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// Behind so many that somebody has sent to the same person, the next one waits.
pub const INVITATIONS_TAKEN_BACK_MAX: u8 = 3;
/// How long it waits behind the last of them, in seconds. Then nothing is known of them any more.
pub const TAKEN_BACK_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Who has invited, and whom. Somebody else may invite the same person then: whoever takes back what they send keeps nobody else away.
pub(super) type Two = (UserId, UserId);

/// How often, and when last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) count: u8,
    pub(super) last: DateTime<Utc>,
}

impl Times {
    /// How many of them are known still.
    fn lately(self, now: DateTime<Utc>) -> u8 {
        if self.last + pause() > now { self.count } else { 0 }
    }
}

fn pause() -> TimeDelta {
    TimeDelta::seconds(i64::from(TAKEN_BACK_SECONDS))
}

/// Those of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TakenBack {
    dated: Book<Times, Two>,
    /// Those that are decided and not written yet: they have no time.
    undated: BTreeMap<Two, u8>,
}

impl TakenBack {
    pub(super) fn stored(
        dated: impl IntoIterator<Item = (Two, Times)>,
        undated: impl IntoIterator<Item = (Two, u8)>,
    ) -> Self {
        Self {
            dated: dated.into_iter().collect(),
            undated: undated.into_iter().collect(),
        }
    }

    /// One has ended, at a time that is not known yet.
    pub(super) fn add(&mut self, two: Two) {
        let count = self.undated.entry(two).or_default();
        *count = count.saturating_add(1);
    }

    /// There was an answer.
    pub(super) fn forget(&mut self, two: Two) {
        self.undated.remove(&two);
        if self.dated.get(two).is_some() {
            self.dated.set(two, None);
        }
    }

    /// What has no time happened then. What is not known any more by then goes: it is looked when there is something new.
    pub(super) fn date(&mut self, at: DateTime<Utc>) {
        if self.undated.is_empty() {
            return;
        }
        for (two, count) in std::mem::take(&mut self.undated) {
            let before = self.dated.get(two).map_or(0, |times| times.lately(at));
            let count = before.saturating_add(count);
            self.dated.set(two, Some(Times { count, last: at }));
        }
        let over = self.dated.iter().filter(|(_, times)| times.lately(at) == 0);
        let over: Vec<Two> = over.map(|(two, _)| two).collect();
        for two in over {
            self.dated.set(two, None);
        }
    }

    /// What lies ahead counts as happening now: see [`Stream::cap`](crate::Stream::cap).
    pub(super) fn cap(&mut self, now: DateTime<Utc>) {
        let ahead = self.dated.iter().filter(|(_, times)| times.last > now);
        let ahead: Vec<(Two, Times)> = ahead.collect();
        for (two, times) in ahead {
            self.dated.set(two, Some(Times { last: now, ..times }));
        }
    }

    /// How long the next one waits; `None` where it need not.
    pub(super) fn wait(&self, two: Two, now: DateTime<Utc>) -> Option<TimeDelta> {
        let dated = self.dated.get(two);
        let undated = self.undated.get(&two).copied();
        let count = dated.map_or(0, |times| times.lately(now));
        if count.saturating_add(undated.unwrap_or(0)) < INVITATIONS_TAKEN_BACK_MAX {
            return None;
        }
        let last = match undated {
            Some(_) => now,
            None => dated?.last,
        };
        // Clocks that differ make nobody wait for longer.
        let wait = (last + pause() - now).min(pause());
        (wait > TimeDelta::zero()).then_some(wait)
    }

    /// How many are kept.
    pub(super) fn count(&self) -> usize {
        self.dated.count() + self.undated.len()
    }

    pub(super) fn dated(&self) -> impl Iterator<Item = (Two, Times)> + '_ {
        self.dated.iter()
    }

    pub(super) fn undated(&self) -> impl Iterator<Item = (Two, u8)> + '_ {
        self.undated.iter().map(|(two, count)| (*two, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("it is a time")
    }

    fn two(by: u128, user: u128) -> Two {
        (UserId(Uuid::from_u128(by)), UserId(Uuid::from_u128(user)))
    }

    #[test]
    fn what_was_taken_back_is_forgotten_a_week_later_and_by_an_answer() {
        let week = i64::from(TAKEN_BACK_SECONDS);
        let mut taken = TakenBack::default();
        for time in [0, 10, 20] {
            assert_eq!(taken.wait(two(1, 2), at(time)), None);
            taken.add(two(1, 2));
            taken.date(at(time));
        }
        assert_eq!(taken.wait(two(1, 2), at(20)), Some(TimeDelta::seconds(week)));
        assert_eq!(taken.wait(two(1, 2), at(week + 19)), Some(TimeDelta::seconds(1)));
        assert_eq!(taken.wait(two(1, 2), at(week + 20)), None);
        for others in [two(2, 1), two(1, 3), two(3, 2)] {
            assert_eq!(taken.wait(others, at(20)), None);
        }
        let mut answered = taken.clone();
        answered.forget(two(1, 2));
        assert_eq!((answered.wait(two(1, 2), at(20)), answered.count()), (None, 0));
        // One more begins again, and what is over makes room.
        taken.add(two(1, 2));
        taken.date(at(week + 20));
        assert_eq!(taken.wait(two(1, 2), at(week + 20)), None);
        taken.add(two(5, 6));
        taken.date(at(2 * week + 20));
        assert_eq!(taken.count(), 1);
    }

    #[test]
    fn what_is_not_written_yet_counts() {
        let mut taken = TakenBack::default();
        taken.add(two(1, 2));
        taken.date(at(0));
        taken.add(two(1, 2));
        assert_eq!(taken.wait(two(1, 2), at(5)), None);
        taken.add(two(1, 2));
        let week = TimeDelta::seconds(TAKEN_BACK_SECONDS.into());
        assert_eq!(taken.wait(two(1, 2), at(5)), Some(week));
        // Where the log's time is ahead, it counts from when it is learnt of.
        taken.date(at(500_000));
        assert_eq!(taken.wait(two(1, 2), at(5)), Some(week));
        taken.cap(at(5));
        assert_eq!(taken.wait(two(1, 2), at(6)), Some(week - TimeDelta::seconds(1)));
    }
}
