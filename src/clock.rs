//! The one place that reads the wall clock, and mints ids that tell the time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The time of day. What needs it takes it as an argument, so that it can be tested at any time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that the others are given"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// An id that nothing else has, and that sorts by when it was minted (UUIDv7).
#[expect(clippy::disallowed_methods, reason = "ids are told the time here")]
pub fn id() -> Uuid {
    Uuid::now_v7()
}
