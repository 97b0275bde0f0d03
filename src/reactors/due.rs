//! What may be told by now: what was appended so long ago, by a clock that is not ahead, or has been in the log for so long as this node has seen it. The
//! log's time may be ahead, and stands nearly still then until clocks have come to it: by the clock alone nothing would be told for as long.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Looks at a lane that are remembered while something waits. What this node has seen waits for an eighth longer than it must at most.
const LOOKS: u32 = 8;

/// How long events wait, and how far the time of each lane had come when.
pub(super) struct Dues {
    delay: Duration,
    lanes: BTreeMap<u8, Looks>,
}

/// Oldest first.
type Looks = VecDeque<(Instant, DateTime<Utc>)>;

impl Dues {
    /// An event is told so long after it was appended.
    pub(super) fn new(delay: Duration) -> Self {
        Self {
            delay,
            lanes: BTreeMap::new(),
        }
    }

    /// What was appended by then is due at `clock`. `None` where that is before all time.
    pub(super) fn by_clock(&self, clock: DateTime<Utc>) -> Option<DateTime<Utc>> {
        clock.checked_sub_signed(TimeDelta::from_std(self.delay).ok()?)
    }

    /// What was appended by then in a lane is due, whose time has come to `last_at`.
    pub(super) fn of(
        &mut self,
        lane: u8,
        last_at: DateTime<Utc>,
        (clock, now): (DateTime<Utc>, Instant),
    ) -> Option<DateTime<Utc>> {
        let seen = self.seen(lane, last_at, now);
        self.by_clock(clock).max(seen)
    }

    /// Looks at a lane. Returns how far its time had come when it was looked at the delay ago.
    fn seen(&mut self, lane: u8, last_at: DateTime<Utc>, now: Instant) -> Option<DateTime<Utc>> {
        let delay = self.delay;
        let looks = self.lanes.entry(lane).or_default();
        // The log has gone back, and what was seen is not there.
        if looks.back().is_some_and(|(_, at)| *at > last_at) {
            looks.clear();
        }
        if looks.back().is_none_or(|(seen, _)| now - *seen >= delay / LOOKS) {
            looks.push_back((now, last_at));
        }
        while looks.get(1).is_some_and(|(seen, _)| now - *seen >= delay) {
            looks.pop_front();
        }
        let (seen, at) = looks.front()?;
        (now - *seen >= delay).then_some(*at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: u8 = 1;

    fn time(seconds: f64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::microseconds((seconds * 1e6) as i64)
    }

    #[test]
    fn without_a_delay_all_that_is_there_is_due_whatever_the_clocks_say() {
        let (mut dues, now) = (Dues::new(Duration::ZERO), Instant::now());
        for last_at in [time(5.0), time(90_000.0), time(90_000.1), time(7.0)] {
            let due = dues.of(LANE, last_at, (time(6.0), now));
            assert_eq!(due, Some(last_at.max(time(6.0))));
        }
    }

    #[test]
    fn an_event_waits_for_the_delay_and_no_longer_though_the_logs_time_is_ahead() {
        let (mut dues, began) = (Dues::new(Duration::from_secs(8)), Instant::now());
        let (day, clock) = (86_400.0, 100.0);
        // What the lane's time is after so many seconds: something is appended each second, and a microsecond counts as one.
        let last_at = |second: u32| time(day + 1e-6 * f64::from(second));
        for second in 0..100_u32 {
            let now = (
                time(clock + f64::from(second)),
                began + Duration::from_secs(second.into()),
            );
            let due = dues.of(LANE, last_at(second), now).unwrap();
            let by_clock = time(clock + f64::from(second) - 8.0);
            let expected = second.checked_sub(8).map_or(by_clock, last_at);
            assert_eq!(due, expected, "after {second} s");
            assert!(dues.lanes[&LANE].len() <= 10);
        }
        // Another lane has not been seen yet.
        let now = (time(clock), began + Duration::from_mins(2));
        assert_eq!(dues.of(2, last_at(0), now), Some(time(clock - 8.0)));
    }

    #[test]
    fn looks_that_come_often_are_not_all_remembered() {
        let (mut dues, began) = (Dues::new(Duration::from_secs(80)), Instant::now());
        let ahead = time(86_400.0);
        for tenth in 0..2_000_u32 {
            let now = began + Duration::from_millis(100) * tenth;
            let due = dues.of(LANE, ahead, (time(100.0), now));
            assert_eq!(due == Some(ahead), tenth >= 800);
            assert!(dues.lanes[&LANE].len() <= 10);
        }
    }

    #[test]
    fn what_was_seen_of_a_log_that_has_gone_back_counts_for_nothing() {
        let (mut dues, began) = (Dues::new(Duration::from_secs(3)), Instant::now());
        dues.of(LANE, time(86_400.0), (time(100.0), began));
        let later = began + Duration::from_secs(4);
        let due = dues.of(LANE, time(80_000.0), (time(104.0), later));
        assert_eq!(due, Some(time(101.0)));
    }

    #[test]
    fn a_delay_beyond_all_time_is_never_over_by_the_clock() {
        assert_eq!(Dues::new(Duration::MAX).by_clock(time(0.0)), None);
    }
}
