//! How far the log has come, for many who ask at once.

use std::sync::Arc;
use tidings_eventlog::{LaneHead, Log, ReadError};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Reads the heads of all lanes. Whoever asks while a reading is under way shares the next one: thousands that come back
/// together cost a few readings.
pub struct Heads {
    log: Log,
    /// The last reading, and when it began.
    last: Mutex<Option<(Instant, Arc<[LaneHead]>)>>,
}

impl Heads {
    pub fn new(log: Log) -> Self {
        Self {
            log,
            last: Mutex::new(None),
        }
    }

    /// Heads that are no older than the call.
    pub(super) async fn now(&self) -> Result<Arc<[LaneHead]>, ReadError> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((began, heads)) = last.as_ref()
            && *began > asked
        {
            return Ok(Arc::clone(heads));
        }
        let began = Instant::now();
        let heads: Arc<[LaneHead]> = self.log.heads().await?.into();
        *last = Some((began, Arc::clone(&heads)));
        Ok(heads)
    }
}
