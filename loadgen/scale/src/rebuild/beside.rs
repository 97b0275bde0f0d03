//! Work that is done while others send.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_bench::accept::{Crowd, Pace};
use tidings_report::Latencies;
use tokio::time::timeout;

use super::LIMIT;

/// How long the crowd sends before it looks whether the work is done.
const PART: Duration = Duration::from_secs(1);

/// Does something while the crowd sends. Returns what it came to, and how long acks took meanwhile, those of the second in which it
/// ended included.
pub(super) async fn beside<T>(
    crowd: &mut Crowd,
    pace: Pace,
    work: impl Future<Output = Result<T>>,
) -> Result<(T, Latencies)> {
    let done = AtomicBool::new(false);
    let working = async {
        let result = timeout(LIMIT, work).await.context("it takes too long")?;
        done.store(true, Ordering::Relaxed);
        result
    };
    let sending = async {
        let mut latencies = Latencies::new();
        loop {
            latencies.merge(&crowd.round(pace, PART).await?.latencies);
            if done.load(Ordering::Relaxed) {
                return anyhow::Ok(latencies);
            }
        }
    };
    tokio::try_join!(working, sending)
}
