//! The one place that reads the wall clock.

use chrono::{DateTime, Utc};

/// The time of day. What needs it takes it as an argument, so that it can be tested at any time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that the others are given"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
