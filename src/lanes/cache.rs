//! States of streams, as folded from their control events.

use chrono::{DateTime, Utc};
use lru::LruCache;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use tidings_domain::stored::{self, DecodeError};
use tidings_domain::{Conversation, Event, User};
use tidings_eventlog::Recorded;
use uuid::Uuid;

/// The state of one stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamState {
    pub(crate) conversation: Conversation,
    pub(crate) user: User,
    /// Seq of the last control event folded.
    pub(crate) guard: u64,
    /// The first event of the stream, which answers commands that find it already there.
    pub(crate) first: Option<First>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct First {
    pub(crate) command: Uuid,
    pub(crate) pos: u64,
    pub(crate) seq: u64,
    pub(crate) at: DateTime<Utc>,
}

impl StreamState {
    /// Folds a control event from the log.
    pub(crate) fn fold(&mut self, recorded: &Recorded) -> Result<(), DecodeError> {
        match stored::decode(recorded.kind, recorded.ver, &recorded.payload)? {
            Event::Conversation(event) => self.conversation.evolve(&event),
            Event::User(event) => self.user.evolve(&event),
        }
        self.guard = recorded.seq;
        self.first.get_or_insert(First {
            command: recorded.command,
            pos: recorded.pos,
            seq: recorded.seq,
            at: recorded.at,
        });
        Ok(())
    }
}

/// Bounded cache of states. An entry may be old: the guard tells when a decision depends on that.
pub(crate) struct States(LruCache<Uuid, Arc<StreamState>>);

impl States {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(LruCache::new(
            NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN),
        ))
    }

    pub(crate) fn get(&mut self, stream: Uuid) -> Option<Arc<StreamState>> {
        self.0.get(&stream).cloned()
    }

    pub(crate) fn put(&mut self, stream: Uuid, state: Arc<StreamState>) {
        self.0.put(stream, state);
    }

    pub(crate) fn forget(&mut self, stream: Uuid) {
        self.0.pop(&stream);
    }

    /// Drops a state that is older than control event `seq`.
    pub(crate) fn outdate(&mut self, stream: Uuid, seq: u64) {
        if self.0.peek(&stream).is_some_and(|state| state.guard < seq) {
            self.0.pop(&stream);
        }
    }
}

/// Streams whose control events moved on, as the hub saw them; the lane's task drains it before it decides.
/// A map by stream, so it never holds more than the streams that there are.
#[derive(Default)]
pub(crate) struct Invalidations(Mutex<HashMap<Uuid, u64>>);

impl Invalidations {
    pub(crate) fn push(&self, stream: Uuid, seq: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(stream, seq);
    }

    pub(crate) fn drain(&self) -> HashMap<Uuid, u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
