//! Logs and metrics.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal as _;
use std::sync::OnceLock;
use tidings_eventlog::Pool;
use tracing_subscriber::EnvFilter;

/// Notices of the database and the steps of migrations are for those who ask for them.
const DEFAULT_FILTER: &str = "info,tokio_postgres=warn,refinery_core=warn";

/// Counters that somebody may wait for with an alert. They are there from the start: an increase from nothing to one is none that
/// Prometheus sees.
const COUNTERS: [&str; 15] = [
    "tidings_connection_panics_total",
    "tidings_connections_refused_total",
    "tidings_delivery_cursors_dropped_total",
    "tidings_events_appended_total",
    "tidings_frames_written_total",
    "tidings_hub_filled_events_total",
    "tidings_lane_given_up_total",
    "tidings_outbox_overflows_total",
    "tidings_projected_events_total",
    "tidings_projection_failures_total",
    "tidings_publish_skipped_total",
    "tidings_rate_limited_total",
    "tidings_slow_catch_ups_total",
    "tidings_small_pages_total",
    "tidings_time_lines_total",
];

/// How log lines look.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts logging to standard error. `RUST_LOG` chooses what is logged; the default is `info` of our own. Later calls change nothing.
pub fn start_logging(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // Somebody else may have set a subscriber before, as tests do.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// The process's metrics, in Prometheus' text format.
#[derive(Clone)]
pub struct Metrics {
    recorder: PrometheusHandle,
    pools: Vec<(&'static str, Pool)>,
}

impl Metrics {
    /// Installs the recorder at the first call; later calls share it.
    pub fn install() -> Self {
        static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
        let handle = HANDLE.get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(
                    Matcher::Suffix("_commands".to_owned()),
                    &[1.0, 4.0, 16.0, 64.0, 256.0, 1000.0],
                )
                .unwrap_or_else(|_| PrometheusBuilder::new());
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            // Another recorder can only be one that a test has set; then ours stays empty.
            let _ = metrics::set_global_recorder(recorder);
            for name in COUNTERS {
                metrics::counter!(name).increment(0);
            }
            for projection in tidings_projections::names() {
                metrics::counter!("tidings_projection_parked_total", "projection" => projection).increment(0);
            }
            handle
        });
        Self {
            recorder: handle.clone(),
            pools: vec![],
        }
    }

    /// The same, which also say what has become of the sessions of these pools.
    pub fn with_pools(self, pools: Vec<(&'static str, Pool)>) -> Self {
        Self { pools, ..self }
    }

    /// All metrics as text.
    pub fn render(&self) -> String {
        for (name, pool) in &self.pools {
            let usage = pool.usage();
            metrics::gauge!("tidings_pool_sessions", "pool" => *name).set(usage.sessions as f64);
            metrics::gauge!("tidings_pool_borrowed", "pool" => *name).set(usage.borrowed as f64);
            metrics::gauge!("tidings_pool_waiting", "pool" => *name).set(usage.waiting as f64);
        }
        self.recorder.run_upkeep();
        self.recorder.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_alerts_are_there_before_anything_is_counted() {
        let shown = Metrics::install().render();
        for name in COUNTERS {
            assert!(shown.contains(&format!("\n{name} ")), "{name} in\n{shown}");
        }
        assert!(
            shown.contains("tidings_projection_parked_total{projection=\"unread\"} "),
            "{shown}"
        );
    }
}
