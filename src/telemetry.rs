//! What a node tells of itself: log lines and metrics.

mod logs;
mod metrics;
mod process;
mod runtime;
mod table;
mod trace;

pub use logs::{LogFormat, start_logging};
pub use metrics::Metrics;
pub(crate) use trace::trace_of;
