//! Which cached states of streams have become old: the hub sees control events of all nodes and says so, and the lanes
//! take it before they decide. Made before both, so that neither has to know the other.

use crate::by_lane::ByLane;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// What every lane has been told and has not taken. Cheap to clone.
#[derive(Clone, Default)]
pub struct StaleStreams(Arc<ByLane<Arc<Invalidations>>>);

impl StaleStreams {
    /// What a lane is told.
    pub fn of(&self, lane: u8) -> Arc<Invalidations> {
        self.0.add(lane, Arc::default());
        self.0.get(lane).cloned().unwrap_or_default()
    }

    /// Says that a stream's control events have moved on to `seq`, perhaps by another node.
    pub fn push(&self, stream: Uuid, seq: u64) {
        if let Some(lane) = self.0.get(tidings_eventlog::record::lane_of(stream)) {
            lane.push(stream, seq);
        }
    }
}

/// Streams whose control events moved on, as the hub saw them; the lane's task takes them before it decides.
#[derive(Default)]
pub struct Invalidations(Mutex<Moved>);

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// With the seq of each one's newest control event.
    pub streams: HashMap<Uuid, u64>,
    /// More than are kept one by one: any state may be old.
    pub all: bool,
}

impl Invalidations {
    /// Streams that wait. A node that is sent no command of a lane does not take them.
    const WAITING: usize = 10_000;

    pub fn push(&self, stream: Uuid, seq: u64) {
        let mut moved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if moved.all {
            return;
        }
        moved.streams.insert(stream, seq);
        if moved.streams.len() > Self::WAITING {
            *moved = Moved {
                streams: HashMap::new(),
                all: true,
            };
        }
    }

    pub fn drain(&self) -> Moved {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_takes_is_bounded_and_nothing_of_it_is_lost() {
        let invalid = Invalidations::default();
        invalid.push(Uuid::from_u128(1), 7);
        let one = invalid.drain();
        assert_eq!((one.streams.len(), one.all), (1, false));
        for n in 0..=Invalidations::WAITING as u128 {
            invalid.push(Uuid::from_u128(n), 1);
        }
        let most = invalid.drain();
        assert_eq!((most.streams.capacity(), most.all), (0, true));
        assert_eq!(invalid.drain(), Moved::default());
    }

    #[test]
    fn a_lane_is_told_of_its_own_streams() {
        let stale = StaleStreams::default();
        let (one, two) = (stale.of(1), stale.of(2));
        stale.push(Uuid::from_u128(0x0701), 4);
        // Of a lane that nobody takes anything of.
        stale.push(Uuid::from_u128(3), 4);
        assert!(two.drain().streams.is_empty());
        assert_eq!(stale.of(1).drain().streams.len() + one.drain().streams.len(), 1);
    }
}
