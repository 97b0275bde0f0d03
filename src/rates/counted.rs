//! What one user or address has used of a rate at this node: which of it Redis is told, and what it says that is obeyed. Pure.
//!
//! A small part of each rate is every node's own to give, and Redis is not told of it: whoever does little costs nothing there.

use std::time::Duration;
use tokio::time::Instant;

/// The part of a rate, and of what may be used at once, that a node gives by itself.
const OWN_PART: u32 = 16;
/// How many times what may be used at once may be owed, where a user is at many nodes; what is beyond is forgotten.
const OWED: u32 = 16;
/// Redis is told of what was used a little later, and may take it for later than it was. Nobody who is at one node alone shall feel that.
const LATE: Duration = Duration::from_millis(250);
/// No rate takes longer than this to earn all that may be used at once.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// A rate: one is earned in each period, up to as many as may be used at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    period: Duration,
    /// The time that earns all of them.
    whole: Duration,
}

impl Terms {
    pub(super) fn new(burst: u32, period: Duration) -> Self {
        let burst = burst.max(1);
        let period = period.clamp(Duration::from_nanos(1), LONGEST / burst);
        Self {
            period,
            whole: period * burst,
        }
    }

    /// The time that earns so many, or all that there can be.
    fn time_of(self, units: u32) -> Duration {
        self.period.saturating_mul(units).min(self.whole)
    }

    /// The most that may be owed.
    pub(super) fn owed_max(self) -> Duration {
        self.whole * OWED
    }
}

/// What was used, as the time that earns it.
#[derive(Debug)]
pub(super) struct Counted {
    /// When all is earned back that this node gave of its own part.
    own: Instant,
    /// When all is earned back that all nodes had told Redis when it answered last.
    all: Instant,
    /// What Redis has not been told of yet.
    untold: Duration,
    /// What it is just being told of.
    telling: Duration,
    /// Whether it waits to be told.
    is_in_line: bool,
}

impl Counted {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            own: now,
            all: now,
            untold: Duration::ZERO,
            telling: Duration::ZERO,
            is_in_line: false,
        }
    }

    /// How long so many have to wait, by what is known here of all nodes; `None` where they need not.
    pub(super) fn wait(&self, terms: Terms, units: u32, now: Instant) -> Option<Duration> {
        let used = self.all.saturating_duration_since(now) + self.untold + self.telling;
        let wait = (used + terms.time_of(units)).saturating_sub(terms.whole + LATE);
        (!wait.is_zero()).then_some(wait)
    }

    /// Notes that so many were used. Returns whether this has to be put in line, to be told.
    #[must_use]
    pub(super) fn used(&mut self, terms: Terms, units: u32, now: Instant) -> bool {
        let time = terms.time_of(units);
        let own = self.own.max(now);
        let taken = time.saturating_mul(OWN_PART);
        if own.duration_since(now) + taken <= terms.whole {
            self.own = own + taken;
            return false;
        }
        self.untold = (self.untold + time).min(terms.owed_max());
        !std::mem::replace(&mut self.is_in_line, true)
    }

    /// Its turn has come: returns what Redis is to be told.
    pub(super) fn tell(&mut self) -> Duration {
        self.is_in_line = false;
        self.telling = std::mem::take(&mut self.untold);
        self.telling
    }

    /// Redis, which was asked at `asked`, has counted what it was told, and says in what time all is earned back.
    pub(super) fn heard(&mut self, terms: Terms, rest: Duration, asked: Instant) {
        self.telling = Duration::ZERO;
        self.all = asked + rest.min(terms.owed_max());
    }

    /// Redis could not be told. What was used is forgotten: told later it would count as if it were used then.
    pub(super) fn forget(&mut self) {
        self.is_in_line = false;
        self.telling = Duration::ZERO;
        self.untold = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERIOD: Duration = Duration::from_millis(10);

    fn terms(burst: u32) -> Terms {
        Terms::new(burst, PERIOD)
    }

    /// What the script keeps of one key.
    struct Redis(Instant);

    impl Redis {
        fn count(&mut self, terms: Terms, used: Duration, now: Instant) -> Duration {
            let rest = (self.0.saturating_duration_since(now) + used).min(terms.owed_max());
            self.0 = now + rest;
            rest
        }

        fn hear(&mut self, terms: Terms, counted: &mut Counted, now: Instant) {
            let rest = self.count(terms, counted.tell(), now);
            counted.heard(terms, rest, now);
        }
    }

    #[test]
    fn who_does_little_is_told_of_to_nobody() {
        let (terms, mut now) = (terms(160), Instant::now());
        let mut counted = Counted::new(now);
        for _ in 0..10 {
            assert!(!counted.used(terms, 1, now), "a sixteenth at once");
        }
        assert!(counted.used(terms, 1, now));
        assert_eq!(counted.tell(), PERIOD);
        for _ in 0..1000 {
            now += PERIOD * OWN_PART;
            assert!(!counted.used(terms, 1, now), "and a sixteenth of the rate");
        }
    }

    #[test]
    fn it_stands_in_line_once_and_is_told_all_that_was_used_meanwhile() {
        let (terms, now) = (terms(16), Instant::now());
        let mut counted = Counted::new(now);
        assert!(!counted.used(terms, 1, now));
        assert!(counted.used(terms, 2, now));
        assert!(!counted.used(terms, 3, now));
        assert_eq!(counted.tell(), PERIOD * 5);
        assert!(counted.used(terms, 1, now), "it has left the line");
    }

    #[test]
    fn what_all_nodes_have_used_is_obeyed_until_it_is_earned_back() {
        let (terms, now) = (terms(100), Instant::now());
        let mut counted = Counted::new(now);
        counted.heard(terms, PERIOD * 150, now);
        let wait = counted.wait(terms, 1, now).unwrap();
        assert_eq!(wait + LATE, PERIOD * 51);
        assert_eq!(counted.wait(terms, 1, now + wait), None);
        assert!(counted.wait(terms, 2, now + wait).is_some());
        // What costs more than there can be waits for all of it.
        assert_eq!(counted.wait(terms, u32::MAX, now).unwrap() + LATE, PERIOD * 150);
    }

    #[test]
    fn what_redis_was_not_told_in_time_is_forgotten() {
        let (terms, now) = (terms(16), Instant::now());
        let mut counted = Counted::new(now);
        for _ in 0..1000 {
            let _ = counted.used(terms, 16, now);
        }
        assert!(counted.wait(terms, 1, now).is_some());
        let _ = counted.tell();
        counted.forget();
        assert_eq!(counted.wait(terms, 1, now), None);
        assert!(counted.used(terms, 16, now), "it is put in line again");
    }

    #[test]
    fn a_clock_that_jumps_and_a_rate_that_makes_no_sense_hold_nobody_for_ever() {
        let (terms, now) = (terms(16), Instant::now());
        let mut counted = Counted::new(now);
        counted.heard(terms, Duration::MAX, now);
        assert!(counted.wait(terms, 1, now).unwrap() <= terms.owed_max());
        let absurd = Terms::new(u32::MAX, Duration::MAX);
        assert!(absurd.whole <= LONGEST);
        assert!(!Terms::new(0, Duration::ZERO).whole.is_zero());
    }

    proptest! {
        /// All that is given in a time is what the rate gives, what each node gives of its own, and what each may give at once
        /// before it hears of the others, which is paid back.
        #[test]
        fn all_nodes_together_give_what_one_would_and_a_little_more(
            steps in proptest::collection::vec((0..4_usize, 0..200_u64, 1..80_u32), 1..400),
        ) {
            let (terms, begin) = (terms(50), Instant::now());
            let (mut redis, mut now, mut given) = (Redis(begin), begin, 0_u32);
            let mut nodes: Vec<(Counted, Instant)> = (0..4).map(|_| (Counted::new(begin), begin)).collect();
            for (node, pause, tries) in steps {
                now += Duration::from_millis(pause);
                for (counted, due) in &mut nodes {
                    if counted.is_in_line && *due <= now {
                        redis.hear(terms, counted, now);
                        *due = now + Duration::from_millis(100);
                    }
                }
                let (counted, _) = &mut nodes[node];
                for _ in 0..tries {
                    if counted.wait(terms, 1, now).is_none() {
                        let _ = counted.used(terms, 1, now);
                        given += 1;
                    }
                }
            }
            let (count, elapsed) = (nodes.len() as u32, now - begin);
            let own = (elapsed + terms.whole) * count / OWN_PART;
            let most = elapsed + (terms.whole + LATE) * (2 * count + 2) + own;
            prop_assert!(PERIOD * given <= most, "{given} in {elapsed:?}");
        }

        /// Whoever is at one node meets its own limit first, however late Redis hears of it.
        #[test]
        fn alone_at_a_node_nobody_meets_the_count_of_all(
            steps in proptest::collection::vec((0..60_u64, 1..80_u32, 0..100_u64), 1..400),
        ) {
            let (terms, begin) = (terms(400), Instant::now());
            let (mut redis, mut now, mut here) = (Redis(begin), begin, begin);
            let (mut counted, mut due) = (Counted::new(begin), None);
            for (pause, tries, late) in steps {
                now += Duration::from_millis(pause);
                if due.is_some_and(|due| due <= now) {
                    redis.hear(terms, &mut counted, now);
                    due = None;
                }
                for _ in 0..tries {
                    let next = here.max(now) + PERIOD;
                    if next - now > terms.whole {
                        break;
                    }
                    here = next;
                    prop_assert_eq!(counted.wait(terms, 1, now), None);
                    if counted.used(terms, 1, now) {
                        due = Some(now + Duration::from_millis(late));
                    }
                }
            }
        }
    }
}
