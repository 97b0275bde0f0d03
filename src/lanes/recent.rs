//! Answers of recent commands, so that quick repeats rarely reach the log.

use super::Accepted;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
pub(crate) struct Recent(Mutex<Known>);

struct Known {
    /// How often sessions with the log had been lost when it said so, see [`Appender::breaks`](tidings_eventlog::Appender::breaks).
    breaks: u64,
    commands: LruCache<(Uuid, Uuid), Remembered>,
}

impl Recent {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Mutex::new(Known {
            breaks: 0,
            commands: LruCache::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN)),
        }))
    }

    /// Looks a batch of actors' ids up under one lock, in what the log has said since it was lost last.
    pub(crate) fn find(
        &self,
        breaks: u64,
        ids: impl Iterator<Item = (Uuid, Uuid)>,
    ) -> Vec<Option<Remembered>> {
        let mut known = self.known();
        known.reach(breaks);
        let is_of_now = known.breaks == breaks;
        ids.map(|id| known.commands.get(&id).copied().filter(|_| is_of_now))
            .collect()
    }

    /// Forgets everything: the log is no longer what it was when these answers were given.
    pub(crate) fn clear(&self) {
        self.known().commands.clear();
    }

    /// Remembers what the log was asked after that number of breaks.
    pub(crate) fn remember(&self, breaks: u64, entries: impl Iterator<Item = (Uuid, Remembered)>) {
        let mut known = self.known();
        known.reach(breaks);
        if known.breaks == breaks {
            for (id, entry) in entries {
                known.commands.put((entry.actor, id), entry);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What was said before a session was lost may be true no more.
    fn reach(&mut self, breaks: u64) {
        if self.breaks < breaks {
            self.breaks = breaks;
            self.commands.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use tidings_eventlog::Position;

    #[test]
    fn what_was_said_before_a_session_was_lost_is_forgotten() {
        let (actor, old, new) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let entry = Remembered {
            actor,
            digest: 0,
            accepted: Accepted {
                stream: Uuid::nil(),
                seq: 1,
                position: Position { lane: 0, pos: 1 },
                at: DateTime::UNIX_EPOCH,
                duplicate: false,
                pending: false,
            },
        };
        let recent = Recent::new(10);
        let knows = |breaks, id| recent.find(breaks, std::iter::once((actor, id)))[0].is_some();
        recent.remember(0, std::iter::once((old, entry)));
        assert!(knows(0, old));
        assert!(!knows(1, old));
        // The answer to what was asked before may come late.
        recent.remember(0, std::iter::once((old, entry)));
        recent.remember(1, std::iter::once((new, entry)));
        assert!(!knows(1, old) && knows(1, new));
        assert!(!knows(0, new));
    }
}
