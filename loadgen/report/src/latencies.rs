//! Latencies, as a histogram with three digits that count.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::number::{short, time};

/// Anything slower is as bad.
const LONGEST_US: u64 = 600_000_000;
/// What a stored report tells besides its buckets.
const QUANTILES: [f64; 8] = [0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0];

/// Latencies of many messages: from one microsecond to ten minutes, three digits that count.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> FromIterator<&'a Latencies> for Latencies {
    /// All of them together.
    fn from_iter<I: IntoIterator<Item = &'a Latencies>>(parts: I) -> Self {
        let mut all = Self::new();
        for part in parts {
            all.merge(part);
        }
        all
    }
}

impl Latencies {
    pub fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_US, 3).expect("these bounds are allowed"))
    }

    /// Counts one; what is longer than ten minutes counts as ten minutes.
    pub fn record(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(us.clamp(1, LONGEST_US));
    }

    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// The latency that this share of all (0 to 1) did not exceed; zero where there are none.
    pub fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(quantile))
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    pub(crate) fn curve(&self) -> Curve {
        let buckets = self.0.iter_recorded();
        let buckets = buckets.map(|step| (step.value_iterated_to(), step.count_at_value()));
        Curve {
            count: self.count(),
            mean_us: self.0.mean(),
            quantiles: QUANTILES
                .map(|quantile| (quantile, self.0.value_at_quantile(quantile)))
                .to_vec(),
            buckets: buckets.collect(),
        }
    }
}

/// What is stored of latencies, in microseconds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Curve {
    count: u64,
    mean_us: f64,
    /// Quantiles and their values.
    quantiles: Vec<(f64, u64)>,
    /// Each bucket that is not empty: its highest value, and how many are in it.
    buckets: Vec<(u64, u64)>,
}

impl Curve {
    pub(crate) const HEADS: [&str; 6] = ["latency", "p50", "p99", "p99.9", "longest", "count"];

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The latency that this share of all did not exceed.
    pub(crate) fn at(&self, quantile: f64) -> Duration {
        let wanted = (quantile * self.count as f64).ceil() as u64;
        let mut counted = 0;
        let reached = self.buckets.iter().find(|(_, count)| {
            counted += count;
            counted >= wanted
        });
        let (us, _) = reached.or(self.buckets.last()).copied().unwrap_or_default();
        Duration::from_micros(us)
    }

    pub(crate) fn row(&self, name: &str) -> [String; 6] {
        [
            name.to_owned(),
            time(self.at(0.5)),
            time(self.at(0.99)),
            time(self.at(0.999)),
            time(self.at(1.0)),
            short(self.count as f64),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Duration, us: f64) -> bool {
        (found.as_secs_f64() * 1e6 / us - 1.0).abs() < 0.002
    }

    #[test]
    fn quantiles_hold_three_digits_also_in_what_is_stored() {
        let (mut low, mut high) = (Latencies::new(), Latencies::new());
        (1..=5_000).for_each(|n| low.record(Duration::from_micros(n * 100)));
        (5_001..=10_000).for_each(|n| high.record(Duration::from_micros(n * 100)));
        low.merge(&high);
        let text = serde_json::to_string(&low.curve()).unwrap();
        let curve: Curve = serde_json::from_str(&text).unwrap();
        for (quantile, us) in [(0.5, 5e5), (0.99, 9.9e5), (0.999, 9.99e5), (1.0, 1e6)] {
            assert!(near(low.quantile(quantile), us), "{quantile}");
            assert!(near(curve.at(quantile), us), "{quantile} as stored");
        }
        assert_eq!((low.count(), curve.count()), (10_000, 10_000));
    }

    #[test]
    fn what_is_too_long_or_too_short_is_counted_at_the_end_of_the_scale() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::ZERO);
        latencies.record(Duration::from_hours(2));
        assert_eq!(latencies.count(), 2);
        assert_eq!(latencies.quantile(0.0), Duration::from_micros(1));
        assert!(near(latencies.max(), LONGEST_US as f64));
    }

    #[test]
    fn nothing_recorded_reads_as_nothing() {
        let curve = Latencies::new().curve();
        assert_eq!(curve.row("none"), ["none", "0 µs", "0 µs", "0 µs", "0 µs", "0"]);
    }
}
