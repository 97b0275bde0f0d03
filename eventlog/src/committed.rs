//! A range of a lane, as it is handed from room to room.

use crate::Recorded;
use std::sync::Arc;

/// A range of a lane, from a commit or from another node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The time line that its positions belong to.
    pub epoch: u32,
    pub events: Arc<Vec<Recorded>>,
}

impl Committed {
    /// About how much memory its events take.
    pub fn bytes(&self) -> usize {
        self.events.iter().map(Recorded::bytes).sum()
    }
}
