//! The process's metrics, in Prometheus' text format.

use super::{process, runtime, table};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tidings_eventlog::Pool;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How often what was measured is put into its buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// The metrics, and what is looked at when they are shown.
#[derive(Clone)]
pub struct Metrics {
    recorder: PrometheusHandle,
    pools: Vec<(&'static str, Pool)>,
    looks: Vec<Look>,
}

/// Looks at something that is not told of by itself, and records it.
pub type Look = Arc<dyn Fn() + Send + Sync>;

impl Metrics {
    /// Installs the recorder at the first call; later calls share it.
    pub fn install() -> Self {
        static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
        let handle = HANDLE.get_or_init(|| {
            let recorder = builder().build_recorder();
            let handle = recorder.handle();
            // Another recorder can only be one that a test has set; then ours stays empty.
            let _ = metrics::set_global_recorder(recorder);
            table::describe();
            process::describe();
            for projection in tidings_projections::names() {
                metrics::counter!("tidings_projection_parked_total", "projection" => projection).increment(0);
            }
            metrics::gauge!("tidings_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            handle
        });
        Self {
            recorder: handle.clone(),
            pools: vec![],
            looks: vec![],
        }
    }

    /// The same, which also say what has become of the sessions of these pools.
    pub fn with_pools(self, pools: Vec<(&'static str, Pool)>) -> Self {
        Self { pools, ..self }
    }

    /// The same, which also take these looks: whenever they are shown, and every some seconds.
    pub fn with_looks(self, looks: Vec<Look>) -> Self {
        Self { looks, ..self }
    }

    /// Puts what was measured into its buckets, until `stop`: every value is kept until then, and there may be nobody who asks.
    pub(crate) async fn keep_up(self, stop: CancellationToken) {
        while timeout(UPKEEP, stop.cancelled()).await.is_err() {
            self.looks.iter().for_each(|look| look());
            self.recorder.run_upkeep();
        }
    }

    /// All metrics as text.
    pub fn render(&self) -> String {
        for (name, pool) in &self.pools {
            let usage = pool.usage();
            metrics::gauge!("tidings_pool_sessions", "pool" => *name).set(usage.sessions as f64);
            metrics::gauge!("tidings_pool_borrowed", "pool" => *name).set(usage.borrowed as f64);
            metrics::gauge!("tidings_pool_waiting", "pool" => *name).set(usage.waiting as f64);
        }
        self.looks.iter().for_each(|look| look());
        process::look();
        runtime::look();
        self.recorder.run_upkeep();
        self.recorder.render()
    }
}

fn builder() -> PrometheusBuilder {
    let mut builder = PrometheusBuilder::new();
    let suffix = Matcher::Suffix("_seconds".to_owned());
    let own = table::bounds().map(|(name, bounds)| (Matcher::Full(name.to_owned()), bounds));
    for (matcher, bounds) in own.chain([(suffix, table::SECONDS.as_slice())]) {
        builder = builder
            .set_buckets_for_metric(matcher, bounds)
            .unwrap_or_else(|_| PrometheusBuilder::new());
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_alerts_wait_for_is_there_before_anything_happens_and_says_what_it_means() {
        let shown = Metrics::install().render();
        for line in [
            "# TYPE tidings_lane_given_up_total counter",
            "# HELP tidings_lane_given_up_total Commands that were answered `unavailable` after all attempts.",
            "tidings_gaps_total{reason=\"unknown\"} 0",
            "tidings_projection_parked_total{projection=\"unread\"} 0",
            "# TYPE tidings_graphql_request_seconds histogram",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{line} in\n{shown}");
        }
        assert!(shown.contains("\ntidings_build_info{version=\""), "{shown}");
        if cfg!(target_os = "linux") {
            for name in ["process_resident_memory_bytes", "process_open_fds"] {
                assert!(shown.contains(&format!("\n{name} ")), "{name} in\n{shown}");
            }
        }
    }

    #[tokio::test]
    async fn the_runtime_tells_how_busy_it_is() {
        let shown = Metrics::install().render();
        assert!(
            shown
                .lines()
                .any(|line| line.starts_with("tidings_runtime_workers ")),
            "{shown}"
        );
    }
}
