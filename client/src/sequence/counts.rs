//! What is counted of a connection's order.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tidings_protocol::Gap;

/// How often something had to be put right.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) repeats: AtomicU64,
    pub(crate) holes: AtomicU64,
    pub(crate) last_hole: Mutex<Option<Gap>>,
}

impl Counts {
    /// Notes that the events of `hole` were neither sent nor left out.
    pub(super) fn hole(&self, hole: Gap) {
        tracing::warn!(conversation = %hole.conversation, from = hole.from, to = hole.to, "events are missing");
        self.holes.fetch_add(1, Ordering::Relaxed);
        *self.last_hole.lock().unwrap_or_else(PoisonError::into_inner) = Some(hole);
    }
}
