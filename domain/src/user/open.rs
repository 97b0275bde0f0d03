//! How much waits for somebody, each thing until a time.

use std::collections::BTreeMap;

/// The most things of a kind that wait for somebody. Of more, the one that is over first makes room.
pub const OPEN_MAX: usize = 1000;

/// Removes the one that is over first where there are more than may be. `end` tells when one is over.
pub(super) fn make_room<K: Copy + Ord, V, T: Ord>(open: &mut BTreeMap<K, V>, end: impl Fn(&V) -> T) {
    if open.len() > OPEN_MAX {
        let first = open.iter().min_by_key(|(key, value)| (end(value), **key));
        if let Some(first) = first.map(|(key, _)| *key) {
            open.remove(&first);
        }
    }
}
