//! Who comes into conversations and leaves them, as hubs tell it while somebody watches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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

#[derive(Default)]
struct Waiting {
    moves: Vec<(ConversationId, UserId, bool)>,
    overflown: bool,
}

impl Moves {
    /// Somebody came into a conversation, or left it.
    pub fn moved(&self, conversation: ConversationId, user: UserId, came: bool) {
        if !self.0.is_listening.load(Ordering::Relaxed) {
            return;
        }
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.moves.len() < WAITING_MAX {
            waiting.moves.push((conversation, user, came));
        } else {
            waiting.overflown = true;
        }
        drop(waiting);
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
    pub(super) fn take(&self) -> (Vec<(ConversationId, UserId, bool)>, bool) {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { moves, overflown } = std::mem::take(&mut *waiting);
        (moves, !overflown)
    }
}
