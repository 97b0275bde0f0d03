//! What has been gathered of users, and when it is to be stored.

use super::{Read, TimeLines, refuse_all};
use crate::outcome::Refusal;
use std::collections::{BTreeMap, HashMap, VecDeque};
use tidings_domain::{ConversationId, Cursor, UserId};
use tokio::time::Instant;

/// Delivery cursors of one user.
pub(super) type Delivered = BTreeMap<ConversationId, Cursor>;

/// What has been gathered of one user.
pub(super) struct Gathered {
    /// Of all that was gathered: what is of a log that has gone back since names other events now.
    pub(super) time_lines: TimeLines,
    pub(super) reads: Vec<Read>,
    pub(super) delivered: Delivered,
}

impl Gathered {
    fn of(time_lines: TimeLines) -> Self {
        Self {
            time_lines,
            reads: vec![],
            delivered: Delivered::new(),
        }
    }
}

/// What has been gathered of all users.
#[derive(Default)]
pub(super) struct Gatherings {
    users: HashMap<UserId, Gathered>,
    /// When each user's moves are due. All wait equally long, so the order of arrival is the order of dues.
    order: VecDeque<(Instant, UserId)>,
}

impl Gatherings {
    /// A user reads. Refuses what is of an earlier time line than what is there.
    pub(super) fn read(&mut self, user: UserId, time_lines: TimeLines, read: Read, due: Instant) {
        match self.of(user, time_lines, due) {
            Some(gathered) => gathered.reads.push(read),
            None => (read.reply)(Err(Refusal::Unavailable)),
        }
    }

    /// A user has been sent events. Drops what is of an earlier time line: a later device is sent the same events once more.
    pub(super) fn deliver(&mut self, user: UserId, time_lines: TimeLines, cursors: Delivered, due: Instant) {
        let Some(gathered) = self.of(user, time_lines, due) else {
            return;
        };
        for (conversation, cursor) in cursors {
            let known = gathered.delivered.entry(conversation).or_insert(cursor);
            *known = (*known).max(cursor);
        }
    }

    /// What is gathered of a user, due at the latest then, and of this time line: `None` where there is of a later one already.
    /// What there is of an earlier one makes room.
    fn of(&mut self, user: UserId, time_lines: TimeLines, due: Instant) -> Option<&mut Gathered> {
        let order = &mut self.order;
        let gathered = self.users.entry(user).or_insert_with(|| {
            order.push_back((due, user));
            Gathered::of(time_lines)
        });
        if gathered.time_lines < time_lines {
            let lost = std::mem::replace(gathered, Gathered::of(time_lines));
            refuse_all(lost.reads, &Refusal::Unavailable);
        }
        (gathered.time_lines == time_lines).then_some(gathered)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.order.front().map(|(due, _)| *due)
    }

    /// Somebody whose moves are due by then, or whoever comes first. They are not asked for once more.
    pub(super) fn due(&mut self, by: Option<Instant>) -> Option<UserId> {
        let (due, user) = *self.order.front()?;
        if by.is_some_and(|by| due > by) {
            return None;
        }
        self.order.pop_front();
        Some(user)
    }

    pub(super) fn remove(&mut self, user: UserId) -> Option<Gathered> {
        self.users.remove(&user)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Delivery cursors of all users.
    pub(super) fn cursors(&self) -> usize {
        self.users.values().map(|gathered| gathered.delivered.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn cursor(seq: u64) -> Cursor {
        Cursor { seq, msg_no: seq }
    }

    #[test]
    fn the_furthest_of_a_time_line_counts_and_nothing_of_another() {
        let (user, room) = (UserId(Uuid::from_u128(1)), ConversationId(Uuid::from_u128(2)));
        let now = Instant::now();
        let mut all = Gatherings::default();
        let told = |seq| Delivered::from([(room, cursor(seq))]);
        all.deliver(user, 1, told(5), now);
        all.deliver(user, 1, told(9), now);
        all.deliver(user, 1, told(7), now);
        assert_eq!(all.users[&user].delivered, told(9));
        // The log has gone back, and reaches no further than 3.
        all.deliver(user, 2, told(3), now);
        assert_eq!(all.users[&user].delivered, told(3));
        // What waited in the queue since before.
        all.deliver(user, 1, told(9), now);
        assert_eq!(all.users[&user].delivered, told(3));
        assert_eq!(all.due(None), Some(user));
        assert_eq!(all.due(None), None);
        let gathered = all.remove(user).unwrap();
        assert_eq!((gathered.time_lines, gathered.delivered), (2, told(3)));
    }

    #[test]
    fn what_is_not_due_waits() {
        let (now, second) = (Instant::now(), std::time::Duration::from_secs(1));
        let users = [1, 2].map(|id| UserId(Uuid::from_u128(id)));
        let mut all = Gatherings::default();
        all.deliver(users[0], 0, Delivered::new(), now);
        all.deliver(users[1], 0, Delivered::new(), now + second);
        assert_eq!(all.next_due(), Some(now));
        assert_eq!(all.due(Some(now)), Some(users[0]));
        assert_eq!(all.due(Some(now)), None);
        assert_eq!(all.due(None), Some(users[1]));
    }
}
