//! What the two halves of a connection know of each other.

use super::gaps::Gaps;
use super::proof::Answered;
use super::resume::Parts;
use crate::delivery::Outbox;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32};
use tidings_protocol::Close;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What a connection's reader and writer share.
pub(super) struct Shared {
    pub(super) outbox: Arc<Outbox>,
    /// Permits for answers that are not written yet.
    pub(super) in_flight: Arc<Semaphore>,
    /// The same for reads, which wait for others to be gathered and hold nobody up meanwhile.
    pub(super) reads: Arc<Semaphore>,
    /// Heartbeats since the client was last heard.
    pub(super) missed: AtomicU32,
    /// Which of the writer's pings the client has answered.
    pub(super) answered: Answered,
    /// Gaps that the client was told of.
    pub(super) gaps: Gaps,
    /// Whether the client has ever watched who is there.
    pub(super) watches: AtomicBool,
    /// What the client says it has seen; taken by the first catch-up.
    pub(super) resume: Parts,
    /// When the token runs out, in milliseconds since 1970. A new hello moves it.
    pub(super) expires_at_ms: AtomicI64,
    /// As [`Hub::time_lines`](crate::delivery::Hub::time_lines) said when the connection began.
    pub(super) time_lines: u64,
    /// Ends the reader, so that no new commands come in while the last answers go out.
    pub(super) stop_reading: CancellationToken,
}

/// Why reading ended.
pub(super) enum ReaderEnd {
    /// The client is gone.
    Gone,
    /// The client closes, which is answered.
    Closed { clean: bool },
    /// The client broke the rules; it is told so.
    Violation(Close),
    /// Asked to stop: somebody else says why.
    Stopped,
}
