//! How long to wait before another try.

use std::time::Duration;

/// Exponential backoff with full jitter: the n-th wait is random between zero and `base * 2^n`, at most `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub base: Duration,
    pub cap: Duration,
    /// How many tries in a row may fail before the connection is given up; `None` for no limit.
    pub attempts_max: Option<u32>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(250),
            cap: Duration::from_secs(20),
            attempts_max: Some(10),
        }
    }
}

impl Backoff {
    /// The wait after `failures` failed tries in a row (from 1), or `None` when it is time to give up.
    /// `chance` is random in `0.0..1.0`.
    pub(crate) fn delay(&self, failures: u32, chance: f64) -> Option<Duration> {
        if self.attempts_max.is_some_and(|most| failures >= most) {
            return None;
        }
        let exponent = failures.saturating_sub(1).min(30);
        let ceiling = self.base.saturating_mul(1 << exponent).min(self.cap);
        Some(ceiling.mul_f64(chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_the_limit_ends_it() {
        let backoff = Backoff {
            base: Duration::from_millis(100),
            cap: Duration::from_millis(350),
            attempts_max: Some(5),
        };
        let ceilings: Vec<_> = (1..=5)
            .map(|failures| backoff.delay(failures, 1.0).map(|delay| delay.as_millis()))
            .collect();
        assert_eq!(ceilings, [Some(100), Some(200), Some(350), Some(350), None]);
        assert_eq!(backoff.delay(3, 0.0), Some(Duration::ZERO));
        let endless = Backoff {
            attempts_max: None,
            ..backoff
        };
        assert_eq!(endless.delay(u32::MAX, 1.0), Some(Duration::from_millis(350)));
    }
}
