//! The workload and its adapters against servers that run.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod memory;
mod seam;
mod tidings;
mod xmpp;

use tidings_judge::Size;

/// A run of a few seconds in which everything happens.
fn small() -> Size {
    Size {
        people: 8,
        groups: 2,
        members: 5,
        directs: 4,
        rate: 100,
        seconds: 5,
        leaves: 2,
        patience: 60,
    }
}
