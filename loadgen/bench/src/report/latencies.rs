//! Latencies, as a histogram with three digits that count.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{millis, short};

/// Anything slower is as bad.
const LONGEST_US: u64 = 600_000_000;
/// Where the curve is drawn and stored.
const QUANTILES: [f64; 12] = [
    0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0,
];

/// Latencies of many messages.
#[derive(Clone)]
pub struct Latencies(Histogram<u64>);

/// What is stored of them, in microseconds.
#[derive(Serialize)]
pub(super) struct Summary {
    count: u64,
    mean_us: f64,
    /// Quantile and value.
    pub(super) quantiles: Vec<(f64, u64)>,
    /// Each bucket that is not empty: its highest value, and how many are in it.
    buckets: Vec<(u64, u64)>,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    #[expect(
        clippy::missing_panics_doc,
        reason = "the bounds are constants that the histogram allows"
    )]
    pub fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_US, 3).expect("these bounds are allowed"))
    }

    pub fn record(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(us.clamp(1, LONGEST_US));
    }

    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so nothing is too high.
        let _ = self.0.add(&other.0);
    }

    pub fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(quantile))
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    pub(super) fn summary(&self) -> Summary {
        let value = |quantile| (quantile, self.0.value_at_quantile(quantile));
        let buckets = self
            .0
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()));
        Summary {
            count: self.count(),
            mean_us: self.0.mean(),
            quantiles: QUANTILES.into_iter().map(value).collect(),
            buckets: buckets.collect(),
        }
    }
}

impl Summary {
    pub(super) fn row(&self, name: &str) -> [String; 6] {
        let at = |wanted: f64| {
            let found = self
                .quantiles
                .iter()
                .find(|(quantile, _)| (quantile - wanted).abs() < 1e-9);
            let us = found.map_or(0, |(_, us)| *us);
            format!("{} ms", short(millis(Duration::from_micros(us))))
        };
        [
            name.to_owned(),
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            short(self.count as f64),
        ]
    }
}
