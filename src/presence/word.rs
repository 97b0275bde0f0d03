//! What this node has said in Redis, as far as Redis has answered, and what it says next. Pure; the time is passed in.
//!
//! All that is said has a number, one more than what was said before. Redis keeps it with the rest, so that both sides notice where
//! something was lost, and what had no answer can be said again as it was.

use super::here::{Change, Here};
use std::time::Duration;
use tidings_domain::presence::Shown;
use tokio::time::Instant;

/// Users of whom something is said at once.
pub(super) const AT_ONCE: usize = 500;

pub(super) struct Word {
    /// How long a lease lasts, and after what time it is renewed.
    lease: Duration,
    renew: Duration,
    /// The number of what Redis has, as far as it has answered.
    number: u64,
    sizes: Sizes,
    is_whole: bool,
    /// What is being said, until there is an answer.
    saying: Option<Vec<Change>>,
    renewed_at: Instant,
    renew_at: Instant,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Everything is said, for Redis may not have it.
    All,
    Renew,
    /// What is being said is said, perhaps again.
    Say,
    Rest,
}

/// How many users are in each set of the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) on: usize,
    pub(super) away: usize,
    pub(super) dnd: usize,
    pub(super) hidden: usize,
}

impl Sizes {
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut sizes = Self::default();
        for change in changes {
            sizes.add(change.shown);
        }
        sizes
    }

    fn add(&mut self, shown: Shown) {
        self.on += usize::from(shown.is_there());
        self.away += usize::from(shown == Shown::Away);
        self.dnd += usize::from(shown == Shown::Dnd);
        self.hidden += usize::from(shown == Shown::Hidden);
    }

    fn take(&mut self, shown: Shown) {
        self.on -= usize::from(shown.is_there());
        self.away -= usize::from(shown == Shown::Away);
        self.dnd -= usize::from(shown == Shown::Dnd);
        self.hidden -= usize::from(shown == Shown::Hidden);
    }
}

impl Word {
    pub(super) fn new(lease: Duration, renew: Duration, now: Instant) -> Self {
        Self {
            lease,
            renew,
            number: 0,
            sizes: Sizes::default(),
            is_whole: false,
            saying: None,
            renewed_at: now,
            renew_at: now,
        }
    }

    /// What is to be done now. What is new is taken where it can be said.
    pub(super) fn next(&mut self, here: &mut Here, now: Instant) -> Step {
        if !self.is_whole {
            return Step::All;
        }
        if self.saying.is_none() {
            // However much there is to say, the lease comes first.
            if now >= self.renew_at {
                return Step::Renew;
            }
            self.saying = Some(here.take(now, AT_ONCE)).filter(|changes| !changes.is_empty());
        }
        if self.saying.is_some() {
            Step::Say
        } else {
            Step::Rest
        }
    }

    pub(super) fn saying(&self) -> &[Change] {
        self.saying.as_deref().unwrap_or_default()
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn sizes(&self) -> Sizes {
        self.sizes
    }

    pub(super) fn renew_at(&self) -> Instant {
        self.renew_at
    }

    /// What was being said is there, under the next number; or Redis has lost what was before.
    pub(super) fn said(&mut self, is_there: bool) {
        self.number += 1;
        self.is_whole = is_there;
        for change in self.saying.take().unwrap_or_default() {
            self.sizes.take(change.was);
            self.sizes.add(change.shown);
        }
    }

    /// The lease was renewed at a time before this, or Redis has lost something.
    pub(super) fn renewed(&mut self, is_there: bool, now: Instant) {
        self.is_whole = is_there;
        (self.renewed_at, self.renew_at) = (now, now + self.renew);
    }

    /// Everything is there, under the next number.
    pub(super) fn said_all(&mut self, sizes: Sizes, now: Instant) {
        self.number += 1;
        (self.sizes, self.saying) = (sizes, None);
        self.renewed(true, now);
    }

    /// There was no answer. While there may be a lease, it goes on where it was, and looks whether all is there; behind that everything is
    /// said.
    pub(super) fn failed(&mut self, now: Instant) {
        self.renew_at = now;
        if now >= self.renewed_at + self.lease {
            (self.is_whole, self.saying) = (false, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::here::Device;
    use super::*;
    use chrono::DateTime;
    use tidings_domain::UserId;
    use uuid::Uuid;

    const LEASE: Duration = Duration::from_secs(15);
    const RENEW: Duration = Duration::from_secs(5);

    fn come(here: &mut Here, number: u64) {
        let device = Device {
            connection: number,
            session: Uuid::nil(),
            device: "one".into(),
            since: DateTime::UNIX_EPOCH,
            status: Device::BEGINS,
        };
        here.arrive(UserId(Uuid::from_u128(number.into())), device);
    }

    /// All is said.
    fn whole(now: Instant) -> (Word, Here) {
        let (mut word, mut here) = (Word::new(LEASE, RENEW, now), Here::new(Duration::ZERO));
        assert_eq!(word.next(&mut here, now), Step::All);
        word.said_all(Sizes::default(), now);
        assert_eq!(word.next(&mut here, now), Step::Rest);
        (word, here)
    }

    #[test]
    fn the_lease_is_renewed_in_time_however_many_come() {
        let start = Instant::now();
        let (mut word, mut here) = whole(start);
        let (mut number, mut renewed) = (0, 0);
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            for _ in 0..3 {
                for _ in 0..AT_ONCE {
                    number += 1;
                    come(&mut here, number);
                }
                match word.next(&mut here, now) {
                    Step::Say => word.said(true),
                    Step::Renew => {
                        renewed += 1;
                        word.renewed(true, now);
                    }
                    step => panic!("{step:?}"),
                }
            }
        }
        assert_eq!(renewed, 11);
    }

    #[test]
    fn what_had_no_answer_is_said_again_as_it_was_and_all_only_when_the_lease_is_over() {
        let start = Instant::now();
        let (mut word, mut here) = whole(start);
        come(&mut here, 1);
        assert_eq!(word.next(&mut here, start), Step::Say);
        let (said, number) = (word.saying().to_vec(), word.number());
        word.failed(start + RENEW);
        come(&mut here, 2);
        assert_eq!(word.next(&mut here, start + RENEW), Step::Say);
        assert_eq!((word.saying(), word.number()), (&*said, number));
        word.said(true);
        assert_eq!((word.number(), word.sizes().on), (number + 1, 1));
        assert_eq!(word.next(&mut here, start + RENEW), Step::Renew);
        word.failed(start + LEASE);
        assert_eq!(word.next(&mut here, start + LEASE), Step::All);
    }

    #[test]
    fn where_redis_has_lost_something_all_is_said() {
        let start = Instant::now();
        let (mut word, mut here) = whole(start);
        come(&mut here, 1);
        assert_eq!(word.next(&mut here, start), Step::Say);
        word.said(false);
        assert_eq!(word.next(&mut here, start), Step::All);
        let sizes = Sizes::of(&here.all());
        word.said_all(sizes, start);
        assert_eq!(word.sizes().on, 1);
        word.renewed(false, start);
        assert_eq!(word.next(&mut here, start), Step::All);
    }
}
