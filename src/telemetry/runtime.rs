//! tokio's runtime: tasks, and how busy the threads are that run them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// When the threads were last looked at, and for how long they had been busy by then.
static SEEN: Mutex<Option<(Instant, Duration)>> = Mutex::new(None);

/// Takes a look at the runtime that this is called on, if there is one.
pub(super) fn look() {
    let Ok(handle) = Handle::try_current() else {
        return;
    };
    let runtime = handle.metrics();
    let workers = runtime.num_workers();
    metrics::gauge!("tidings_runtime_workers").set(workers as f64);
    metrics::gauge!("tidings_runtime_tasks").set(runtime.num_alive_tasks() as f64);
    metrics::gauge!("tidings_runtime_queue").set(runtime.global_queue_depth() as f64);
    let busy = (0..workers)
        .map(|worker| runtime.worker_total_busy_duration(worker))
        .sum();
    let now = Instant::now();
    let last = SEEN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace((now, busy));
    if let Some((at, before)) = last {
        let time = now.duration_since(at).as_secs_f64() * workers as f64;
        if time > 0.0 {
            metrics::gauge!("tidings_runtime_busy_ratio")
                .set(busy.saturating_sub(before).as_secs_f64() / time);
        }
    }
}
