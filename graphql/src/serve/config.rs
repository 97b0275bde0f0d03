//! How much work requests may make.

use std::time::Duration;

/// Bounds of the work that requests make.
#[derive(Clone, Copy, Debug)]
pub struct GraphqlConfig {
    /// How long a request waits for the read models to come to its position.
    pub wait: Duration,
    /// How long one statement may take, waiting for a connection included.
    pub statement_timeout: Duration,
    /// How many statements of all requests run at once.
    pub statements_at_once: usize,
    /// How long a request may take in all.
    pub deadline: Duration,
    /// The most that one answer may come to, in bytes: of rows read, and of JSON.
    pub answer_bytes: usize,
    /// The same of all answers of this node that are being made or sent.
    pub answers_bytes: usize,
    /// Requests of all viewers that are answered at once.
    pub requests_at_once: usize,
    /// Requests of one viewer that are answered at once.
    pub requests_per_viewer: usize,
    /// Threads that read, resolve and write out requests. The other processors are left to what must not wait for them.
    pub threads: usize,
    /// The cost that a viewer may cause each second in the long run, and at once.
    pub cost_per_second: u32,
    pub cost_burst: u32,
}

impl Default for GraphqlConfig {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            statements_at_once: 8,
            deadline: Duration::from_secs(15),
            answer_bytes: 8 * 1024 * 1024,
            answers_bytes: 256 * 1024 * 1024,
            requests_at_once: 256,
            requests_per_viewer: 8,
            threads: std::thread::available_parallelism()
                .map_or(1, |processors| processors.get().div_ceil(2)),
            cost_per_second: 10_000,
            cost_burst: 200_000,
        }
    }
}
