//! How long work that has cost hours waits for a database that is away.

use crate::error::ProjectionError;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The longest without any progress.
const LIMIT: Duration = Duration::from_mins(15);
/// The first pause, which doubles, and the longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Attempts since the last progress.
pub(crate) struct Patience {
    since: Instant,
    pause: Duration,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self {
            since: Instant::now(),
            pause: FIRST,
        }
    }

    /// Waits before another attempt; gives an error back that no attempt changes, or when nothing came of any for long.
    pub(crate) async fn wait(&mut self, error: ProjectionError) -> Result<(), ProjectionError> {
        if !error.may_pass() || self.since.elapsed() > LIMIT {
            return Err(error);
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST);
        Ok(())
    }
}
