//! What callers can watch: the runner for metrics, and long operations for progress bars.

use crate::error::ProjectionError;
use std::time::Duration;

/// Told what the runner does. Called from its futures, so nothing here may block.
pub trait Observer: Send + Sync {
    /// `events` of a lane are in these projections now.
    fn applied(&self, _lane: u8, _projections: &[&str], _events: usize) {}

    /// A range of a lane took so long to be folded and committed, by whatever projections.
    fn folded(&self, _lane: u8, _took: Duration) {}

    /// `events` of a lane were put aside, because a projection cannot take them or one before them in their stream.
    fn parked(&self, _lane: u8, _projection: &str, _events: usize) {}

    /// A projection of a lane whose head is at `head` is at `pos`; `None` where its tables are of another version.
    fn stands(&self, _lane: u8, _projection: &str, _head: u64, _pos: Option<u64>) {}

    /// A projection of a lane cannot go on, or can again.
    fn held(&self, _lane: u8, _projection: &str, _held: bool) {}

    /// A read model is being built, so that nobody reads it yet; or it is not.
    fn building(&self, _projection: &str, _building: bool) {}

    /// Of a read model that is being built, `done` of `total` events are in.
    fn built(&self, _projection: &str, _done: u64, _total: u64) {}

    /// An attempt failed and will be made again.
    fn failed(&self, _lane: u8, _error: &ProjectionError) {}
}

impl Observer for () {}

/// Told how far a rebuild or a verification has come.
pub trait Progress: Send + Sync {
    /// `done` of the `total` events of a lane are in before any is folded: an earlier run was interrupted. Told of each lane
    /// where there are any.
    fn resumes(&self, _lane: u8, _done: u64, _total: u64) {}

    /// `done` of the `total` events of a lane are in. `total` may grow while the log does.
    fn lane(&self, _lane: u8, _done: u64, _total: u64) {}

    /// So many rows of a live table are compared.
    fn compared(&self, _projection: &str, _table: &str, _rows: u64) {}

    /// The operation goes on to another step.
    fn stage(&self, _stage: Stage) {}
}

impl Progress for () {}

/// Steps of a rebuild or a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Events are being folded into fresh tables.
    Building,
    /// The fresh tables get the indexes that readers need.
    Indexing,
    /// The live projections wait while the last few events are folded.
    Settling,
    /// Tables are being compared.
    Comparing,
    /// The fresh tables take the place of the live ones.
    Swapping,
}
