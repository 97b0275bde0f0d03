//! Answers of recent commands, so that quick repeats rarely reach the log.

use super::Accepted;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// What a node remembers of a command that it saw in the log. Losing an entry costs a look-up, nothing else.
#[derive(Clone, Copy)]
pub(crate) struct Remembered {
    pub(crate) actor: Uuid,
    pub(crate) digest: i64,
    pub(crate) accepted: Accepted,
}

/// Bounded; shared by the lanes of a node, so that an id used again on another lane is recognised too.
///
/// By actor and id: what somebody else does with an id must not stand in the way of its owner's repeat.
pub(crate) struct Recent(Mutex<LruCache<(Uuid, Uuid), Remembered>>);

impl Recent {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Mutex::new(LruCache::new(
            NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN),
        )))
    }

    /// Looks a batch of actors' ids up under one lock.
    pub(crate) fn find(&self, ids: impl Iterator<Item = (Uuid, Uuid)>) -> Vec<Option<Remembered>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.map(|id| known.get(&id).copied()).collect()
    }

    /// Forgets everything: the log is no longer what it was when these answers were given.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn remember(&self, entries: impl Iterator<Item = (Uuid, Remembered)>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, entry) in entries {
            known.put((entry.actor, id), entry);
        }
    }
}
