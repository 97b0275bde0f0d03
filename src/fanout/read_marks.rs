//! How far users are known to have read.

use lru::LruCache;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings_domain::{ConversationId, UserId};
use tidings_eventlog::Position;

/// Places remembered, some 15 MB.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// Places of one user. Beyond, all of them are read again.
const OF_USER_MAX: usize = 10_000;

/// A read position that the log has, and a position of the log from which on read models that have passed it know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMark {
    pub seq: u64,
    pub position: Position,
    /// The time line of the user's lane that has it. In another one the seq may name another event, or none.
    pub epoch: u32,
}

/// What receipts have shown of somebody in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// The time line of the user's lane.
    epoch: u32,
    pub read: u64,
    /// Where members may know it.
    pub delivered: Option<u64>,
    /// The user's last message in the main timeline, by which they have read up to there. It is told with what comes to be shown next.
    own: u64,
    /// That message says more than was shown of them, here or at another node: who is told by others does not know it.
    pub answered: bool,
}

/// Read positions that are known to be durable, and those that were shown as receipts: neither goes back. What is
/// forgotten is read again from the log, or shown once more.
pub struct ReadMarks(Mutex<Places>);

struct Places {
    users: LruCache<UserId, OfUser>,
    /// Marks of all users.
    marks: usize,
    shown: LruCache<(UserId, ConversationId), Shown>,
}

/// What one user has read, in the time line of the lane that has it: all that the user's stream says up to a seq, and perhaps more.
struct OfUser {
    epoch: u32,
    looked: u64,
    marks: BTreeMap<ConversationId, ReadMark>,
}

impl OfUser {
    fn raise(&mut self, conversation: ConversationId, mark: ReadMark) {
        if let Some(known) = self.marks.get_mut(&conversation)
            && mark.seq > known.seq
        {
            *known = mark;
        }
    }
}

impl ReadMarks {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Places {
            users: LruCache::unbounded(),
            marks: 0,
            shown: LruCache::new(REMEMBERED),
        }))
    }

    /// How far a user is known to have read in the time line `epoch`; the truth may be further.
    pub fn known(&self, user: UserId, conversation: ConversationId, epoch: u32) -> Option<ReadMark> {
        self.places().of(user, epoch)?.marks.get(&conversation).copied()
    }

    /// Up to which seq of the user's stream all that is known of the user is what the log says.
    pub fn looked(&self, user: UserId, epoch: u32) -> Option<u64> {
        self.places().of(user, epoch).map(|own| own.looked)
    }

    /// Notes a read position that is durable, where the user's position in that conversation was known before.
    pub fn raise(&self, user: UserId, conversation: ConversationId, mark: ReadMark) {
        if let Some(own) = self.places().of(user, mark.epoch) {
            own.raise(conversation, mark);
        }
    }

    /// Follows the user's stream: `marks` is all that moves say there behind the start of `seqs` and up to its end. Returns `false`, and
    /// does nothing, where it is not known what stands before them.
    pub fn follow(
        &self,
        user: UserId,
        epoch: u32,
        seqs: RangeInclusive<u64>,
        marks: &[(ConversationId, ReadMark)],
    ) -> bool {
        let mut places = self.places();
        let own = places.of(user, epoch).filter(|own| own.looked >= *seqs.start());
        let Some(own) = own else { return false };
        for (conversation, mark) in marks {
            own.raise(*conversation, *mark);
        }
        own.looked = own.looked.max(*seqs.end());
        true
    }

    /// Learns positions that were not known: what they are by now, and what moves say up to `looked`, which is no further than
    /// all that is known of the user.
    pub fn learn(
        &self,
        user: UserId,
        epoch: u32,
        looked: u64,
        new: impl Iterator<Item = (ConversationId, ReadMark)>,
        moves: &[(ConversationId, ReadMark)],
    ) {
        let mut places = self.places();
        let before = places.take(user).filter(|own| own.epoch == epoch);
        let mut own = before.unwrap_or_else(|| OfUser {
            epoch,
            looked,
            marks: BTreeMap::new(),
        });
        if own.marks.len() >= OF_USER_MAX {
            own.marks.clear();
        }
        for (conversation, mark) in new {
            own.marks.entry(conversation).or_insert(mark);
        }
        for (conversation, mark) in moves {
            own.raise(*conversation, *mark);
        }
        places.marks += own.marks.len();
        places.users.put(user, own);
        while places.marks > REMEMBERED.get()
            && places.users.len() > 1
            && let Some((_, oldest)) = places.users.pop_lru()
        {
            places.marks -= oldest.marks.len();
        }
    }

    /// Notes that a message of the user's own stands at this seq of the main timeline: they have read up to there. It shows nothing by itself.
    /// Before the node has heard of the time line of the user's lane (`epoch` 0) it is not kept.
    pub(super) fn said(&self, user: UserId, conversation: ConversationId, epoch: u32, seq: u64) {
        let mut places = self.places();
        let shown = places
            .shown
            .get_or_insert_mut((user, conversation), Default::default);
        if shown.epoch < epoch {
            *shown = Shown {
                epoch,
                ..Shown::default()
            };
        }
        if shown.epoch == epoch {
            shown.own = shown.own.max(seq);
        }
    }

    /// Does `show` with what has been read and delivered, where `mark` or `delivered` says something new of that, and before any
    /// other receipt of the same place is shown. It must not block.
    pub(super) fn show(
        &self,
        user: UserId,
        conversation: ConversationId,
        mark: ReadMark,
        delivered: Option<u64>,
        show: impl FnOnce(Shown),
    ) {
        let mut places = self.places();
        let shown = places
            .shown
            .get_or_insert_mut((user, conversation), Default::default);
        let before = match shown.epoch {
            epoch if epoch > mark.epoch => return,
            epoch if epoch == mark.epoch => *shown,
            _ => Shown::default(),
        };
        let said = before.read.max(mark.seq);
        let now = Shown {
            epoch: mark.epoch,
            read: said.max(before.own),
            // What is read was sent.
            delivered: before.delivered.max(delivered).map(|sent| sent.max(before.own)),
            own: before.own,
            answered: before.own > said,
        };
        if now.read > before.read || now.delivered > before.delivered {
            *shown = now;
            show(now);
        }
    }

    /// Forgets what is known of a user.
    pub fn forget_user(&self, user: UserId) {
        self.places().take(user);
    }

    /// Forgets what is known of everybody, when the log may not be what it was.
    pub fn doubt(&self) {
        let mut places = self.places();
        places.users.clear();
        places.marks = 0;
    }

    /// Forgets what was shown, too, when the log is not what it was.
    pub fn forget(&self) {
        self.doubt();
        self.places().shown.clear();
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn of(&mut self, user: UserId, epoch: u32) -> Option<&mut OfUser> {
        self.users.get_mut(&user).filter(|own| own.epoch == epoch)
    }

    fn take(&mut self, user: UserId) -> Option<OfUser> {
        let own = self.users.pop(&user)?;
        self.marks -= own.marks.len();
        Some(own)
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

    fn learn(marks: &ReadMarks, looked: u64, mark: ReadMark) {
        marks.learn(USER, mark.epoch, looked, std::iter::once((ROOM, mark)), &[]);
    }

    #[test]
    fn neither_what_is_known_nor_what_is_shown_goes_back() {
        let marks = ReadMarks::new();
        marks.raise(USER, ROOM, mark(1, 5));
        assert_eq!(marks.known(USER, ROOM, 1), None);
        learn(&marks, 1, mark(1, 2));
        for seq in [5, 3] {
            marks.raise(USER, ROOM, mark(1, seq));
            assert_eq!(marks.known(USER, ROOM, 1), Some(mark(1, 5)));
        }
        let mut shown = vec![];
        for seq in [4, 3, 4, 5] {
            marks.show(USER, ROOM, mark(1, seq), None, |now| shown.push(now.read));
        }
        assert_eq!(shown, [4, 5]);
        marks.doubt();
        assert_eq!(marks.known(USER, ROOM, 1), None);
        marks.show(USER, ROOM, mark(1, 5), None, |now| shown.push(now.read));
        marks.forget();
        marks.show(USER, ROOM, mark(1, 4), None, |now| shown.push(now.read));
        assert_eq!(shown, [4, 5, 4]);
    }

    #[test]
    fn what_is_read_and_what_is_delivered_is_shown_together_and_neither_goes_back() {
        let marks = ReadMarks::new();
        let mut shown = vec![];
        for (epoch, read, delivered) in [
            (1, 0, Some(4)),
            (1, 2, Some(3)),
            (1, 2, Some(4)),
            (1, 5, None),
            (1, 4, Some(5)),
            (0, 9, Some(9)),
            (2, 1, None),
        ] {
            marks.show(USER, ROOM, mark(epoch, read), delivered, |now| {
                shown.push((now.read, now.delivered));
            });
        }
        let expected = [(0, Some(4)), (2, Some(4)), (5, Some(4)), (5, Some(5)), (1, None)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_shown_behind_a_message_of_ones_own_says_that_all_before_it_is_read() {
        let marks = ReadMarks::new();
        let mut shown = vec![];
        let mut show = |epoch, read, delivered| {
            marks.show(USER, ROOM, mark(epoch, read), delivered, |now| {
                shown.push((now.read, now.delivered));
            });
        };
        marks.said(USER, ROOM, 1, 3);
        show(1, 0, Some(2));
        marks.said(USER, ROOM, 1, 5);
        marks.said(USER, ROOM, 1, 4);
        show(1, 0, Some(4));
        show(1, 2, Some(5));
        // In the next time line the seqs name other events, and what comes of an earlier one says nothing.
        marks.said(USER, ROOM, 2, 2);
        marks.said(USER, ROOM, 1, 9);
        show(2, 1, Some(1));
        assert_eq!(shown, [(3, Some(3)), (5, Some(5)), (2, Some(2))]);
    }

    #[test]
    fn what_a_message_of_ones_own_says_first_is_told_from_what_others_have_said() {
        let marks = ReadMarks::new();
        let mut shown = vec![];
        let mut show = |read, delivered| {
            marks.show(USER, ROOM, mark(1, read), Some(delivered), |now| {
                shown.push((now.read, now.answered));
            });
        };
        show(1, 1);
        marks.said(USER, ROOM, 1, 5);
        show(2, 4);
        show(2, 6);
        marks.said(USER, ROOM, 1, 7);
        show(7, 7);
        assert_eq!(shown, [(1, false), (5, true), (5, false), (7, false)]);
    }

    #[test]
    fn a_stream_is_followed_without_holes() {
        let marks = ReadMarks::new();
        let moves = |seq| [(ROOM, mark(1, seq))];
        assert!(!marks.follow(USER, 1, 0..=3, &moves(7)));
        learn(&marks, 3, mark(1, 7));
        assert!(!marks.follow(USER, 1, 4..=5, &moves(8)));
        assert_eq!(
            (marks.looked(USER, 1), marks.known(USER, ROOM, 1)),
            (Some(3), Some(mark(1, 7)))
        );
        assert!(marks.follow(USER, 1, 3..=5, &moves(8)));
        // What was heard of it already says nothing new.
        assert!(marks.follow(USER, 1, 2..=4, &moves(6)));
        assert_eq!(
            (marks.looked(USER, 1), marks.known(USER, ROOM, 1)),
            (Some(5), Some(mark(1, 8)))
        );
        assert!(!marks.follow(USER, 2, 5..=6, &moves(9)));
        marks.forget_user(USER);
        assert_eq!(marks.looked(USER, 1), None);
    }

    #[test]
    fn what_was_read_in_a_time_line_says_nothing_of_the_next() {
        let marks = ReadMarks::new();
        learn(&marks, 1, mark(1, 39));
        assert_eq!(marks.known(USER, ROOM, 2), None);
        learn(&marks, 1, mark(2, 30));
        marks.raise(USER, ROOM, mark(1, 40));
        assert_eq!(marks.known(USER, ROOM, 2), Some(mark(2, 30)));
        let mut shown = vec![];
        for (epoch, seq) in [(1, 39), (2, 30), (1, 40), (2, 31)] {
            marks.show(USER, ROOM, mark(epoch, seq), None, |now| shown.push(now.read));
        }
        assert_eq!(shown, [39, 30, 31]);
    }

    #[test]
    fn the_users_heard_of_longest_ago_make_room() {
        let marks = ReadMarks::new();
        let user = |number| UserId(Uuid::from_u128(number));
        let rooms = |count: u128| (0..count).map(|room| (ConversationId(Uuid::from_u128(room)), mark(1, 1)));
        for number in 0..11 {
            marks.learn(user(number), 1, 1, rooms(OF_USER_MAX as u128), &[]);
        }
        assert_eq!(marks.looked(user(0), 1), None);
        assert_eq!(marks.looked(user(1), 1), Some(1));
        assert_eq!(marks.places().marks, REMEMBERED.get());
    }
}
