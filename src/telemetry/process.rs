//! The process: memory, files, processor time, by the names that Prometheus' own client libraries use.

use metrics_process::Collector;
use std::sync::LazyLock;

static COLLECTOR: LazyLock<Collector> = LazyLock::new(Collector::default);

/// Tells the recorder of them.
pub(super) fn describe() {
    COLLECTOR.describe();
}

/// What the process takes of the machine's memory, in bytes; `None` where the system does not say.
pub(crate) fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}

/// Takes a look at them.
pub(super) fn look() {
    COLLECTOR.collect();
}
