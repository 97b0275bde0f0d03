//! A nudge for the runner of a lane: there is something in the log.

use std::sync::Arc;
use tokio::sync::Notify;

/// Handle to the runners of all lanes. Cheap to clone; a nudge never blocks and is never lost, but several may become one.
#[derive(Clone, Debug)]
pub struct Wake(Arc<[Notify]>);

impl Wake {
    pub(crate) fn new() -> Self {
        // As many as a log can have lanes.
        Self((0..256).map(|_| Notify::new()).collect())
    }

    /// Says that the lane may have new events.
    pub fn lane(&self, lane: u8) {
        if let Some(runner) = self.0.get(usize::from(lane)) {
            runner.notify_one();
        }
    }

    /// Waits for the next nudge, or takes one that came before.
    pub(crate) async fn nudged(&self, lane: u8) {
        match self.0.get(usize::from(lane)) {
            Some(runner) => runner.notified().await,
            None => std::future::pending().await,
        }
    }
}
