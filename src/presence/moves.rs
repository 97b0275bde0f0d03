//! Who comes into conversations and leaves them, who wants something else to be known, who blocks whom, and who is whose contact, as hubs tell
//! it while that matters to somebody.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_domain::{ConversationId, UserId};
use tokio::sync::Notify;

/// Moves that wait; where there are more, everything is looked up again.
const WAITING_MAX: usize = 4_096;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Moves(Arc<Inner>);

#[derive(Default)]
struct Inner {
    waiting: Mutex<Waiting>,
    come: Notify,
    is_listening: AtomicBool,
}

/// Something that may change who is shown what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Came(ConversationId, UserId),
    Left(ConversationId, UserId),
    /// Somebody has other settings.
    Settled(UserId),
    /// One of two people has blocked the other, or does so no more.
    Parted(UserId, UserId),
    /// Two people have become contacts, or are none any more.
    Tied(UserId, UserId),
    /// Somebody has done something that cannot be read, in a conversation or to somebody.
    Obscured(ConversationId, UserId),
    /// Somebody may see others than before.
    Doubted(UserId),
}

#[derive(Default)]
struct Waiting {
    moves: Vec<Move>,
    overflown: bool,
}

impl Moves {
    /// Somebody came into a conversation, or left it.
    pub fn moved(&self, conversation: ConversationId, user: UserId, came: bool) {
        self.push(if came {
            Move::Came(conversation, user)
        } else {
            Move::Left(conversation, user)
        });
    }

    /// Somebody has other settings.
    pub fn settled(&self, user: UserId) {
        self.push(Move::Settled(user));
    }

    /// One of two people has blocked the other, or does so no more.
    pub fn parted(&self, one: UserId, other: UserId) {
        self.push(Move::Parted(one, other));
    }

    /// Two people have become contacts, or are none any more.
    pub fn tied(&self, one: UserId, other: UserId) {
        self.push(Move::Tied(one, other));
    }

    /// Something has become of a stream that cannot be read, by `by`, and these may have seen the conversation: what concerns them is looked up
    /// again.
    pub fn obscured(&self, stream: ConversationId, by: UserId, seers: &BTreeSet<UserId>) {
        self.push(Move::Obscured(stream, by));
        for user in seers {
            self.push(Move::Doubted(*user));
        }
    }

    fn push(&self, moved: Move) {
        if !self.0.is_listening.load(Ordering::Relaxed) {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.moves.len() < WAITING_MAX {
            waiting.moves.push(moved);
        } else {
            waiting.overflown = true;
        }
        drop(waiting);
        self.0.come.notify_one();
    }

    /// Somebody may have come or left of whom nobody can say so: everything is looked up again.
    pub fn doubt(&self) {
        self.waiting().overflown = true;
        self.0.come.notify_one();
    }

    pub(super) fn listen(&self, on: bool) {
        self.0.is_listening.store(on, Ordering::Relaxed);
    }

    /// Waits until there are some.
    pub(super) async fn come(&self) {
        self.0.come.notified().await;
    }

    /// Takes them; and whether they are all.
    pub(super) fn take(&self) -> (Vec<Move>, bool) {
        let Waiting { moves, overflown } = std::mem::take(&mut *self.waiting());
        (moves, !overflown)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn moves_are_all_unless_there_were_too_many_or_hubs_are_in_doubt() {
        let (moves, nobody) = (Moves::default(), UserId(Uuid::nil()));
        let come = || moves.moved(ConversationId(Uuid::nil()), nobody, false);
        come();
        assert_eq!((moves.take().0.len(), moves.take().1), (0, true));
        moves.listen(true);
        come();
        assert_eq!(moves.take().0.len(), 1);
        moves.doubt();
        assert!(!moves.take().1 && moves.take().1);
        let (stream, seers) = (ConversationId(Uuid::nil()), BTreeSet::from([nobody]));
        moves.obscured(stream, nobody, &seers);
        let obscured = vec![Move::Obscured(stream, nobody), Move::Doubted(nobody)];
        assert_eq!(moves.take(), (obscured, true));
        for _ in 0..=WAITING_MAX {
            come();
        }
        let (waiting, is_all) = moves.take();
        assert_eq!((waiting.len(), is_all), (WAITING_MAX, false));
    }
}
