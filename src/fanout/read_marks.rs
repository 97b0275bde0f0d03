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
    /// The time line of the user's lane that has it. In another one the seq may name another event, or none.
    pub epoch: u32,
}

/// Read positions that are known to be durable, and those that were shown as receipts: neither goes back. What is
/// forgotten is read again from the log, or shown once more.
pub struct ReadMarks(Mutex<LruCache<(UserId, ConversationId), Place>>);

#[derive(Default)]
struct Place {
    known: Option<ReadMark>,
    /// The time line and the seq of the furthest receipt.
    shown: (u32, u64),
}

impl ReadMarks {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    /// How far a user is known to have read in the time line `epoch`; the truth may be further.
    pub fn known(&self, user: UserId, conversation: ConversationId, epoch: u32) -> Option<ReadMark> {
        self.places()
            .get(&(user, conversation))
            .and_then(|place| place.known)
            .filter(|known| known.epoch == epoch)
    }

    /// Notes a read position that is durable.
    pub fn raise(&self, user: UserId, conversation: ConversationId, mark: ReadMark) {
        let mut places = self.places();
        let place = places.get_or_insert_mut((user, conversation), Place::default);
        let is_further = |known: ReadMark| (mark.epoch, mark.seq) > (known.epoch, known.seq);
        if place.known.is_none_or(is_further) {
            place.known = Some(mark);
        }
    }

    /// Does `show` where a receipt for `mark` says something new, and before any other of the same place is shown. It must
    /// not block.
    pub(super) fn show(
        &self,
        user: UserId,
        conversation: ConversationId,
        mark: ReadMark,
        show: impl FnOnce(),
    ) {
        let mut places = self.places();
        let place = places.get_or_insert_mut((user, conversation), Place::default);
        if (mark.epoch, mark.seq) > place.shown {
            place.shown = (mark.epoch, mark.seq);
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

    const USER: UserId = UserId(Uuid::nil());
    const ROOM: ConversationId = ConversationId(Uuid::nil());

    fn mark(epoch: u32, seq: u64) -> ReadMark {
        ReadMark {
            seq,
            position: Position { lane: 0, pos: seq },
            epoch,
        }
    }

    #[test]
    fn neither_what_is_known_nor_what_is_shown_goes_back() {
        let marks = ReadMarks::new();
        assert_eq!(marks.known(USER, ROOM, 1), None);
        for seq in [5, 3] {
            marks.raise(USER, ROOM, mark(1, seq));
            assert_eq!(marks.known(USER, ROOM, 1), Some(mark(1, 5)));
        }
        let mut shown = vec![];
        for seq in [4, 3, 4, 5] {
            marks.show(USER, ROOM, mark(1, seq), || shown.push(seq));
        }
        assert_eq!(shown, [4, 5]);
        marks.forget();
        assert_eq!(marks.known(USER, ROOM, 1), None);
    }

    #[test]
    fn what_was_read_in_a_time_line_says_nothing_of_the_next() {
        let marks = ReadMarks::new();
        marks.raise(USER, ROOM, mark(1, 39));
        assert_eq!(marks.known(USER, ROOM, 2), None);
        marks.raise(USER, ROOM, mark(2, 30));
        marks.raise(USER, ROOM, mark(1, 40));
        assert_eq!(marks.known(USER, ROOM, 2), Some(mark(2, 30)));
        let mut shown = vec![];
        for (epoch, seq) in [(1, 39), (2, 30), (1, 40), (2, 31)] {
            marks.show(USER, ROOM, mark(epoch, seq), || shown.push(seq));
        }
        assert_eq!(shown, [39, 30, 31]);
    }
}
