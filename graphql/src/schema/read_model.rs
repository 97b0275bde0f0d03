//! How far the read models are.

use super::long::Long;
use crate::freshness::Freshness;
use async_graphql::SimpleObject;
use tidings_eventlog::Position;
use tidings_projections::Lag;

/// How far a read model has come in one lane of the log.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(crate) struct ReadModelProgress {
    name: &'static str,
    lane: i32,
    /// The last position that it includes, as `<lane>:<pos>`.
    position: String,
    /// The lane's last position.
    head: String,
    /// Events between both.
    behind: Long,
    /// This version of it is being built, so nobody reads it yet.
    building: bool,
}

impl From<Lag> for ReadModelProgress {
    fn from(lag: Lag) -> Self {
        let at = |pos| Position { lane: lag.lane, pos }.to_string();
        Self {
            name: lag.projection,
            lane: i32::from(lag.lane),
            position: at(lag.pos),
            head: at(lag.head),
            behind: Long(lag.events().cast_signed()),
            building: lag.building,
        }
    }
}

/// All read models in all lanes.
pub(crate) fn all(freshness: &Freshness) -> Vec<ReadModelProgress> {
    freshness
        .checkpoints()
        .lag()
        .into_iter()
        .map(ReadModelProgress::from)
        .collect()
}
