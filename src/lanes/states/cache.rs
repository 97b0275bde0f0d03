//! States that a lane keeps in memory.

use super::{Known, Loaded, StreamState};
use lru::LruCache;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tidings_eventlog::Recorded;
use uuid::Uuid;

/// What is known of streams.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) loaded: HashMap<Uuid, Loaded>,
    /// To be read.
    pub(crate) missing: Vec<Uuid>,
    /// To be [read on](catch_up).
    pub(crate) behind: Vec<(Uuid, Arc<StreamState>)>,
}

/// States, bounded in number and in bytes. An entry may be old: the guard tells when a decision depends on that.
///
/// Control events that are heard of are folded as they come: all of them are heard of, in order, or the state is forgotten.
pub(crate) struct States {
    /// Those that the log has been found to be ahead of: they are read on before anything is decided on them.
    pub(super) behind: HashSet<Uuid>,
    pub(super) known: LruCache<Uuid, (Known, usize)>,
    pub(super) bytes: usize,
    bytes_max: usize,
}

impl States {
    pub(crate) fn new(capacity: usize, bytes_max: usize) -> Self {
        Self {
            behind: HashSet::new(),
            known: LruCache::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN)),
            bytes: 0,
            bytes_max,
        }
    }

    /// What is known of streams, and which of them the log must be asked about.
    pub(crate) fn look_up(&mut self, mut streams: Vec<Uuid>) -> Found {
        streams.sort_unstable();
        streams.dedup();
        let mut found = Found {
            loaded: HashMap::with_capacity(streams.len()),
            ..Found::default()
        };
        for stream in streams {
            match self.get(stream) {
                Some(Known::State(state)) if self.behind.contains(&stream) => {
                    found.behind.push((stream, state));
                }
                Some(known) => {
                    found.loaded.insert(stream, Loaded { known, fresh: false });
                }
                None => found.missing.push(stream),
            }
        }
        found
    }

    /// Folds a control event that was heard of. Answers whether it was news of a state that is kept.
    pub(crate) fn follow(&mut self, lane: u8, recorded: &Recorded) -> bool {
        let Some((known, bytes)) = self.known.peek_mut(&recorded.stream) else {
            return false;
        };
        let news = known.follow(lane, recorded);
        if news {
            self.bytes = self.bytes - *bytes + known.bytes();
            *bytes = known.bytes();
            self.shrink();
        }
        news
    }

    /// The log's last control event of the stream is `guard`. A state that is behind it is read on before anything is decided on it; one
    /// that is ahead is of a log that has gone back, and nothing of it can stay.
    pub(crate) fn stands_at(&mut self, stream: Uuid, guard: u64) {
        let Some((Known::State(state), _)) = self.known.peek(&stream) else {
            return;
        };
        if state.guard < guard {
            self.behind.insert(stream);
        } else if state.guard > guard {
            self.forget(stream);
        }
    }

    /// Takes in what was [read](read). A stream that does not exist takes no room: anybody can ask for as many as they like.
    pub(crate) fn take(&mut self, stream: Uuid, known: &Known) {
        if !matches!(known, Known::State(state) if state.guard == 0) {
            self.put(stream, known.clone());
        }
    }

    pub(crate) fn contains(&self, stream: Uuid) -> bool {
        self.known.contains(&stream)
    }

    /// What is known of a stream, without its being used.
    pub(crate) fn peek(&self, stream: Uuid) -> Option<&Known> {
        self.known.peek(&stream).map(|(known, _)| known)
    }

    pub(crate) fn get(&mut self, stream: Uuid) -> Option<Known> {
        self.known.get(&stream).map(|(known, _)| known.clone())
    }

    pub(crate) fn put(&mut self, stream: Uuid, known: Known) {
        let bytes = known.bytes();
        self.forget(stream);
        self.bytes += bytes;
        if let Some((gone, (_, bytes))) = self.known.push(stream, (known, bytes)) {
            self.bytes -= bytes;
            self.behind.remove(&gone);
        }
        self.shrink();
    }

    /// Lets the longest unused go until there is room. One state is kept however large it is.
    fn shrink(&mut self) {
        while self.bytes > self.bytes_max
            && self.known.len() > 1
            && let Some((gone, (_, bytes))) = self.known.pop_lru()
        {
            self.bytes -= bytes;
            self.behind.remove(&gone);
        }
    }

    pub(crate) fn forget(&mut self, stream: Uuid) {
        self.behind.remove(&stream);
        if let Some((_, gone)) = self.known.pop(&stream) {
            self.bytes -= gone;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.behind.clear();
        self.bytes = 0;
    }

    /// Whether a state is kept that is older than control event `seq`.
    pub(crate) fn is_older(&self, stream: Uuid, seq: u64) -> bool {
        matches!(self.known.peek(&stream), Some((Known::State(state), _)) if state.guard < seq)
    }
}
