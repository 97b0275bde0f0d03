//! How long to wait before another try.

use std::time::Duration;

/// What a server may ask for, at most: one that is wrong about it, or whatever answers in its place, silences nobody for good.
const ASKED_MAX: Duration = Duration::from_hours(1);

/// Exponential backoff with full jitter: the n-th wait is random between zero and `base * 2^n`, at most `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    pub base: Duration,
    pub cap: Duration,
    /// How many tries in a row may fail before the connection is given up; `None` for no limit.
    pub attempts_max: Option<u32>,
}

/// It never gives up: a closed lid or a tunnel is no reason to end.
impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(20))
    }
}

impl Backoff {
    /// Without a limit of tries.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            attempts_max: None,
        }
    }

    /// Gives up after so many failed tries in a row.
    #[must_use]
    pub const fn with_attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = Some(attempts);
        self
    }

    /// The wait after `failures` failed tries in a row (from 1), or `None` when it is time to give up. It is no shorter
    /// than what the server `asked` for, up to an hour, and somewhat longer, so that those who were asked together do not return
    /// together. `chance` is random in `0.0..1.0`.
    pub(crate) fn delay(&self, failures: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        if self.attempts_max.is_some_and(|most| failures >= most) {
            return None;
        }
        let exponent = failures.saturating_sub(1).min(30);
        let ceiling = self.base.saturating_mul(1 << exponent).min(self.cap);
        let asked = asked.unwrap_or_default().min(ASKED_MAX);
        let asked = asked + (asked / 8).mul_f64(chance);
        Some(ceiling.mul_f64(chance).max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_the_limit_ends_it() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        let limited = backoff.with_attempts_max(5);
        let ceilings: Vec<_> = (1..=5)
            .map(|failures| limited.delay(failures, None, 1.0).map(|delay| delay.as_millis()))
            .collect();
        assert_eq!(ceilings, [Some(100), Some(200), Some(350), Some(350), None]);
        assert_eq!(backoff.delay(3, None, 0.0), Some(Duration::ZERO));
        assert_eq!(
            backoff.delay(u32::MAX, None, 1.0),
            Some(Duration::from_millis(350))
        );
    }

    #[test]
    fn what_the_server_asks_for_is_the_least_and_never_the_most() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        let delay =
            |failures, asked, chance| backoff.delay(failures, Some(Duration::from_millis(asked)), chance);
        assert_eq!(delay(1, 400, 0.0), Some(Duration::from_millis(400)));
        assert_eq!(delay(1, 400, 0.5), Some(Duration::from_millis(425)));
        // A server that asks for nothing does not make a hot loop of it.
        assert_eq!(delay(5, 0, 0.5), Some(Duration::from_millis(800)));
    }

    #[test]
    fn no_server_silences_a_client_for_good() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        for asked in [
            Duration::from_hours(2),
            Duration::from_secs(u64::MAX),
            Duration::MAX,
        ] {
            let least = backoff.delay(1, Some(asked), 0.0).unwrap();
            let most = backoff.delay(u32::MAX, Some(asked), 0.999).unwrap();
            assert_eq!(least, Duration::from_hours(1));
            assert!(most > least && most < least * 9 / 8, "{most:?}");
        }
    }
}
