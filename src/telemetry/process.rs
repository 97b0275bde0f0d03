//! The process: memory, files, processor time, by the names that Prometheus' own client libraries use.

use metrics_process::Collector;
use std::sync::LazyLock;

static COLLECTOR: LazyLock<Collector> = LazyLock::new(Collector::default);

/// Tells the recorder of them.
pub(super) fn describe() {
    COLLECTOR.describe();
}

/// Takes a look at them.
pub(super) fn look() {
    COLLECTOR.collect();
}
