//! Counts what happens in each round.

use std::ops::AddAssign;
use std::time::Duration;

use tokio::time::Instant;

/// How long and how often something is measured.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    pub count: usize,
    /// Before the first round; what happens then is not counted.
    pub warm_up: Duration,
    /// Of each round.
    pub length: Duration,
}

impl Rounds {
    /// So many rounds of that length, after a quarter of one.
    pub fn of(count: usize, length: Duration) -> Self {
        Self {
            count,
            warm_up: length / 4,
            length,
        }
    }
}

/// Counts in rounds that follow each other without a pause.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    begun: Instant,
    /// When the first round begins.
    first: Instant,
    length: Duration,
    /// When something was counted last.
    last: Instant,
    counts: Vec<f64>,
    total: u64,
}

impl Meter {
    /// Begins now.
    pub(crate) fn start(rounds: &Rounds) -> Self {
        let begun = Instant::now();
        Self {
            begun,
            first: begun + rounds.warm_up,
            length: rounds.length,
            last: begun,
            counts: vec![0.0; rounds.count],
            total: 0,
        }
    }

    /// When the warm-up began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// When the last round ends.
    pub(crate) fn end(&self) -> Instant {
        self.first + self.length * u32::try_from(self.counts.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.end()
    }

    /// The round that a moment is in; none before the first and after the last.
    pub(crate) fn round(&self, at: Instant) -> Option<usize> {
        let since = at.checked_duration_since(self.first)?;
        let round = (since.as_nanos() / self.length.as_nanos().max(1)) as usize;
        (round < self.counts.len()).then_some(round)
    }

    /// Counts `number` that have come at this moment. They count as having come evenly since those before, so that large
    /// steps do not make rounds uneven.
    pub(crate) fn add(&mut self, at: Instant, number: usize) {
        self.total += number as u64;
        let since = std::mem::replace(&mut self.last, at);
        let span = at.saturating_duration_since(since).max(Duration::from_nanos(1));
        let mut begin = self.first;
        for count in &mut self.counts {
            let end = begin + self.length;
            let part = at.min(end).saturating_duration_since(since.max(begin));
            *count += number as f64 * part.as_secs_f64() / span.as_secs_f64();
            begin = end;
        }
    }

    /// Everything, also what belongs to no round.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Counts a second, in each round.
    pub(crate) fn rates(&self) -> Vec<f64> {
        let seconds = self.length.as_secs_f64();
        self.counts.iter().map(|count| count / seconds).collect()
    }
}

impl AddAssign<&Self> for Meter {
    /// Adds what another counted that began at the same moment.
    fn add_assign(&mut self, other: &Self) {
        self.total += other.total;
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_outside_of_the_rounds_counts_only_in_all() {
        let second = Duration::from_secs(1);
        let mut meter = Meter::start(&Rounds {
            count: 2,
            warm_up: second,
            length: second * 2,
        });
        let begun = meter.begun();
        for (seconds, number) in [(1, 10), (2, 20), (3, 40), (6, 90)] {
            meter.add(begun + second * seconds, number);
        }
        let mut sum = meter.clone();
        sum += &meter;
        let counted = sum.rates().into_iter().map(|rate| rate.round() as u32);
        // Of the 90 that came within three seconds, two thirds were in the second round.
        assert_eq!(counted.collect::<Vec<_>>(), [60, 60]);
        assert_eq!(sum.total(), 320);
        assert_eq!(meter.end(), begun + second * 5);
        let rounds = [0, 1, 3, 5].map(|seconds| meter.round(begun + second * seconds));
        assert_eq!(rounds, [None, Some(0), Some(1), None]);
    }
}
