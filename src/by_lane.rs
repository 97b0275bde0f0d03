//! What a node has of each lane.

use std::sync::OnceLock;

/// Lanes that a log can have.
const LANES_MAX: usize = 256;

/// One of each lane. Lanes can be added while the node runs, and none ever goes.
pub struct ByLane<T>(Box<[OnceLock<T>]>);

impl<T> Default for ByLane<T> {
    fn default() -> Self {
        Self((0..LANES_MAX).map(|_| OnceLock::new()).collect())
    }
}

impl<T> ByLane<T> {
    pub fn get(&self, lane: u8) -> Option<&T> {
        self.0.get(usize::from(lane))?.get()
    }

    /// Adds what belongs to a lane. Whatever is there already stays.
    pub fn add(&self, lane: u8, of: T) {
        if let Some(place) = self.0.get(usize::from(lane)) {
            // An error gives back what was not needed.
            let _ = place.set(of);
        }
    }

    /// All that are there, by lane.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &T)> {
        let places = self.0.iter().enumerate();
        places.filter_map(|(lane, place)| Some((lane as u8, place.get()?)))
    }

    /// How many are there.
    pub fn count(&self) -> usize {
        self.iter().count()
    }
}
