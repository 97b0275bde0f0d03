//! How far users are known to have been sent conversations, so that what the log has is not written again.

use lru::LruCache;
use std::collections::BTreeMap;
use tidings_domain::{ConversationId, UserId};

/// Cursors remembered, some 5 MB where users have ten conversations each.
const CURSORS_MAX: usize = 100_000;

/// The newest users' delivery cursors. What is forgotten is written once more.
pub(super) struct Sent {
    users: LruCache<UserId, OfUser>,
    /// Cursors of all users.
    cursors: usize,
    max: usize,
}

/// One user's, in the time line of the lane that has them: in another one a seq may name another event, or none.
#[derive(Default)]
struct OfUser {
    epoch: u32,
    /// By conversation.
    seqs: Vec<(ConversationId, u64)>,
}

impl Sent {
    pub(super) fn new() -> Self {
        Self::bounded(CURSORS_MAX)
    }

    fn bounded(max: usize) -> Self {
        Self {
            users: LruCache::unbounded(),
            cursors: 0,
            max,
        }
    }

    /// How far `user` is known to have been sent a conversation, in the time line `epoch`.
    pub(super) fn known(&mut self, user: UserId, epoch: u32, conversation: ConversationId) -> Option<u64> {
        let own = self.users.get(&user).filter(|own| own.epoch == epoch)?;
        let found = own.seqs.binary_search_by_key(&conversation, |(id, _)| *id);
        found.ok().map(|index| own.seqs[index].1)
    }

    /// Remembers cursors that the log has. A user with more of them than there is room for is not remembered.
    pub(super) fn remember(
        &mut self,
        user: UserId,
        epoch: u32,
        seqs: impl IntoIterator<Item = (ConversationId, u64)>,
    ) {
        let before = self.users.pop(&user).unwrap_or_default();
        self.cursors -= before.seqs.len();
        let before = if before.epoch == epoch {
            before.seqs
        } else {
            vec![]
        };
        let mut all: BTreeMap<ConversationId, u64> = before.into_iter().collect();
        for (conversation, seq) in seqs {
            let known = all.entry(conversation).or_default();
            *known = seq.max(*known);
        }
        if all.is_empty() || all.len() > self.max {
            return;
        }
        self.cursors += all.len();
        let seqs = all.into_iter().collect();
        self.users.put(user, OfUser { epoch, seqs });
        while self.cursors > self.max
            && let Some((_, oldest)) = self.users.pop_lru()
        {
            self.cursors -= oldest.seqs.len();
        }
    }

    pub(super) fn forget(&mut self) {
        self.users.clear();
        self.cursors = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn room(number: u128) -> ConversationId {
        ConversationId(Uuid::from_u128(number))
    }

    #[test]
    fn cursors_never_go_back_and_belong_to_their_time_line() {
        let mut sent = Sent::new();
        sent.remember(user(1), 1, [(room(2), 5), (room(1), 7)]);
        sent.remember(user(1), 1, [(room(2), 4)]);
        assert_eq!(sent.known(user(1), 1, room(2)), Some(5));
        assert_eq!(sent.known(user(1), 1, room(1)), Some(7));
        assert_eq!(sent.known(user(1), 1, room(3)), None);
        assert_eq!(sent.known(user(1), 2, room(2)), None);
        sent.remember(user(1), 2, [(room(2), 3)]);
        assert_eq!(sent.known(user(1), 2, room(2)), Some(3));
        assert_eq!(sent.known(user(1), 2, room(1)), None);
        sent.forget();
        assert_eq!(sent.known(user(1), 2, room(2)), None);
    }

    #[test]
    fn the_users_heard_of_longest_ago_make_room() {
        let mut sent = Sent::bounded(4);
        for number in 1..=3 {
            sent.remember(user(number), 1, [(room(1), 1), (room(2), 1)]);
            sent.known(user(1), 1, room(1));
        }
        assert_eq!(sent.known(user(2), 1, room(1)), None);
        assert_eq!(sent.known(user(1), 1, room(2)), Some(1));
        assert_eq!(sent.known(user(3), 1, room(2)), Some(1));
        assert_eq!(sent.cursors, 4);
        sent.remember(user(4), 1, (0..5).map(|number| (room(number), 1)));
        assert_eq!(sent.known(user(4), 1, room(0)), None);
        assert_eq!(sent.cursors, 4);
    }
}
