//! What a node tells of itself: log lines and metrics.

mod logs;
mod metrics;
mod process;
mod runtime;
mod table;
mod trace;

pub use logs::{LogFormat, start_logging};
pub use metrics::{Look, Metrics};
pub(crate) use process::resident_bytes;
pub(crate) use trace::trace_of;
