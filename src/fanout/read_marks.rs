//! How far users are known to have read.

use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings_domain::{ConversationId, UserId};
use tidings_eventlog::Position;

/// Places remembered, some 15 MB.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// A read position that the log has, and a position of the log from which on read models that have passed it know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMark {
    pub seq: u64,
    pub position: Position,
}

/// Read positions that are known to be durable, and those that were shown as receipts: neither goes back. What is
/// forgotten is read again from the log, or shown once more.
pub struct ReadMarks(Mutex<LruCache<(UserId, ConversationId), Place>>);

#[derive(Default)]
struct Place {
    known: Option<ReadMark>,
    shown: u64,
}

impl ReadMarks {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    /// How far a user is known to have read; the truth may be further.
    pub fn known(&self, user: UserId, conversation: ConversationId) -> Option<ReadMark> {
        self.places()
            .get(&(user, conversation))
            .and_then(|place| place.known)
    }

    /// Notes a read position that is durable; answers how far the user has read.
    pub fn raise(&self, user: UserId, conversation: ConversationId, mark: ReadMark) -> ReadMark {
        let mut places = self.places();
        let place = places.get_or_insert_mut((user, conversation), Place::default);
        match place.known {
            Some(known) if known.seq >= mark.seq => known,
            _ => *place.known.insert(mark),
        }
    }

    /// Does `show` where a receipt for `seq` says something new, and before any other of the same place is shown. It must
    /// not block.
    pub(super) fn show(&self, user: UserId, conversation: ConversationId, seq: u64, show: impl FnOnce()) {
        let mut places = self.places();
        let place = places.get_or_insert_mut((user, conversation), Place::default);
        if seq > place.shown {
            place.shown = seq;
            show();
        }
    }

    /// Forgets everything, when the log is not what it was.
    pub fn forget(&self) {
        self.places().clear();
    }

    fn places(&self) -> MutexGuard<'_, LruCache<(UserId, ConversationId), Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn neither_what_is_known_nor_what_is_shown_goes_back() {
        let marks = ReadMarks::new();
        let (user, room) = (UserId(Uuid::nil()), ConversationId(Uuid::nil()));
        let mark = |seq| ReadMark {
            seq,
            position: Position { lane: 0, pos: seq },
        };
        assert_eq!(marks.known(user, room), None);
        assert_eq!(marks.raise(user, room, mark(5)), mark(5));
        assert_eq!(marks.raise(user, room, mark(3)), mark(5));
        assert_eq!(marks.known(user, room), Some(mark(5)));
        let mut shown = vec![];
        for seq in [4, 3, 4, 5] {
            marks.show(user, room, seq, || shown.push(seq));
        }
        assert_eq!(shown, [4, 5]);
        marks.forget();
        assert_eq!(marks.known(user, room), None);
    }
}
