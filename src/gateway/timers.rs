//! What a connection does by the clock: its heartbeat, the noting of what is proved, the end of its token.

use chrono::{DateTime, Utc};
use std::time::Duration;
use tokio::time::Instant;

/// When a connection's next things are due.
pub(super) struct Timers {
    heartbeat: Duration,
    note: Duration,
    beat_at: Instant,
    note_at: Instant,
    /// When what is proved is noted before its time, because others are shown it.
    soon: Option<Instant>,
    /// When the token runs out, in milliseconds since 1970 and as an instant.
    expiry: (i64, Instant),
}

/// What is due. To ask for it sets the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The client is asked for a sign of life.
    pub(super) beat: bool,
    /// What the client has proved to have is noted.
    pub(super) note: bool,
}

/// How long a token that has run out may be served, where the clock was set back.
const ASKED_AGAIN: Duration = Duration::from_millis(250);

impl Timers {
    pub(super) fn new(now: Instant, heartbeat: Duration, note: Duration) -> Self {
        Self {
            heartbeat,
            note,
            beat_at: now + heartbeat,
            note_at: now + note,
            soon: None,
            expiry: (0, now),
        }
    }

    pub(super) fn beat_at(&self) -> Instant {
        self.beat_at
    }

    /// Has what is proved by then noted, and wakes for it.
    pub(super) fn note_by(&mut self, at: Instant) {
        self.soon = Some(self.soon.map_or(at, |soon| soon.min(at)));
    }

    pub(super) fn due(&mut self, now: Instant) -> Due {
        let is_soon = self.soon.is_some_and(|soon| now >= soon);
        let due = Due {
            beat: now >= self.beat_at,
            note: is_soon || now >= self.note_at,
        };
        if due.beat {
            self.beat_at = now + self.heartbeat;
        }
        if due.note {
            self.note_at = now + self.note;
            self.soon = None;
        }
        due
    }

    /// When to look again at the latest, with a token that runs out at `expires_at_ms` and a proof that may be due at
    /// `proof_at`. What is to be noted waits for one of these, unless others are shown it.
    pub(super) fn wake_at(
        &mut self,
        expires_at_ms: i64,
        proof_at: Option<Instant>,
        now: Instant,
        clock: DateTime<Utc>,
    ) -> Instant {
        let in_ms = u64::try_from(expires_at_ms - clock.timestamp_millis()).unwrap_or(0);
        if self.expiry.0 != expires_at_ms {
            self.expiry = (expires_at_ms, now + Duration::from_millis(in_ms));
        } else if now >= self.expiry.1 {
            // Asked at that time, the wall clock said that the token holds: it has been set back. It is asked again, and with a pause.
            self.expiry.1 = now + Duration::from_millis(in_ms).max(ASKED_AGAIN);
        }
        let wake_at = self.beat_at.min(self.expiry.1);
        let others = [proof_at, self.soon].into_iter().flatten();
        others.fold(wake_at, Instant::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: Duration = Duration::from_secs(25);
    const NOTE: Duration = Duration::from_secs(30);

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    #[test]
    fn each_thing_is_due_once_and_then_again_after_its_time() {
        let start = Instant::now();
        let mut timers = Timers::new(start, BEAT, NOTE);
        let mut due = |seconds| {
            let due = timers.due(start + Duration::from_secs(seconds));
            (due.beat, due.note)
        };
        assert_eq!(due(24), (false, false));
        assert_eq!(due(25), (true, false));
        assert_eq!(due(30), (false, true));
        assert_eq!(due(49), (false, false));
        assert_eq!(due(70), (true, true));
        // From when it was looked at, not from when it was due.
        assert_eq!(due(94), (false, false));
        assert_eq!(due(100), (true, true));
    }

    #[test]
    fn what_others_are_shown_is_noted_soon_and_wakes_for_it_once() {
        let start = Instant::now();
        let mut timers = Timers::new(start, BEAT, NOTE);
        let at_s = |seconds| start + Duration::from_secs(seconds);
        timers.note_by(at_s(2));
        timers.note_by(at_s(3));
        assert_eq!(timers.wake_at(100_000, Some(at_s(5)), start, at(0)), at_s(2));
        assert!(!timers.due(at_s(1)).note);
        assert!(timers.due(at_s(2)).note);
        assert_eq!(timers.wake_at(100_000, Some(at_s(5)), start, at(0)), at_s(5));
        assert!(!timers.due(at_s(3)).note);
        // From here on the usual time counts.
        assert!(!timers.due(at_s(31)).note && timers.due(at_s(32)).note);
    }

    #[test]
    fn a_clock_that_is_set_back_is_asked_again_and_not_without_a_pause() {
        let start = Instant::now();
        let mut timers = Timers::new(start, Duration::from_hours(1), NOTE);
        let at_s = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(timers.wake_at(10_000, None, start, at(0)), at_s(10));
        // Ten seconds later the clock stands where it stood.
        assert_eq!(timers.wake_at(10_000, None, at_s(10), at(0)), at_s(20));
        // It stands right before the end again.
        assert_eq!(
            timers.wake_at(10_000, None, at_s(20), at(9_999)),
            at_s(20) + ASKED_AGAIN
        );
    }

    #[test]
    fn it_wakes_for_whatever_is_first_and_a_new_token_moves_that() {
        let start = Instant::now();
        let mut timers = Timers::new(start, BEAT, NOTE);
        let soon = start + Duration::from_millis(10);
        assert_eq!(timers.wake_at(100_000, None, start, at(0)), timers.beat_at());
        assert_eq!(timers.wake_at(100_000, Some(soon), start, at(0)), soon);
        assert_eq!(
            timers.wake_at(5_000, None, start, at(1_000)),
            start + Duration::from_secs(4)
        );
        // A clock that has been set since does not move it.
        assert_eq!(
            timers.wake_at(5_000, None, soon, at(4_000)),
            start + Duration::from_secs(4)
        );
        // One that has run out is noticed at once.
        assert_eq!(timers.wake_at(4_000, None, soon, at(9_000)), soon);
        assert_eq!(timers.wake_at(90_000, None, soon, at(9_000)), timers.beat_at());
    }
}
