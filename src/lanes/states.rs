//! States of streams, as folded from their control events.

use chrono::{DateTime, Utc};
use lru::LruCache;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tidings_domain::stored::{self, DecodeError};
use tidings_domain::{FROZEN_VERSION, Stream};
use tidings_eventlog::{Log, ReadError, Recorded, Step};
use uuid::Uuid;

/// The state of one stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamState {
    pub(crate) stream: Stream,
    /// Seq of the last control event folded.
    pub(crate) guard: u64,
    /// The first event of the stream, which answers commands that find it already there.
    pub(crate) first: Option<First>,
    /// Control events folded since it was kept beside the log.
    pub(crate) unkept: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct First {
    pub(crate) command: Uuid,
    pub(crate) pos: u64,
    pub(crate) seq: u64,
    pub(crate) at: DateTime<Utc>,
}

impl First {
    fn of(recorded: &Recorded) -> Self {
        Self {
            command: recorded.command,
            pos: recorded.pos,
            seq: recorded.seq,
            at: recorded.at,
        }
    }
}

impl StreamState {
    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        // An entry of a map of members, with the room that maps keep free.
        const MEMBER: usize = 96;
        size_of::<Self>() + self.stream.member_count() * MEMBER
    }

    /// Folds a control event from the log.
    pub(crate) fn fold(&mut self, recorded: &Recorded) -> Result<(), DecodeError> {
        let event = stored::decode(recorded.kind, recorded.ver, &recorded.payload)?;
        self.stream.evolve(&event);
        self.count(recorded);
        Ok(())
    }

    /// Takes note of a control event that is folded in.
    pub(crate) fn count(&mut self, recorded: &Recorded) {
        self.guard = recorded.seq;
        self.first.get_or_insert(First::of(recorded));
        self.unkept += 1;
    }

    /// One that was kept beside the log.
    fn thaw(first: &Recorded, seq: u64, state: &[u8]) -> Option<Self> {
        Some(Self {
            stream: Stream::thaw(state)?,
            guard: seq,
            first: Some(First::of(first)),
            unkept: 0,
        })
    }

    /// Whether it should be kept again: to fold what came since takes about as long as to read it.
    pub(crate) fn is_due(&self) -> bool {
        const CONTROLS: usize = 256;
        self.unkept >= CONTROLS.max(self.stream.member_count() / 4)
    }
}

/// What is known of a stream.
#[derive(Clone)]
pub(crate) enum Known {
    State(Arc<StreamState>),
    /// A control event of it cannot be read by this version, which refuses its commands. A newer node may carry them out.
    Unreadable,
}

/// What a round knows of a stream.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) known: Known,
    /// It was read from the log after the commands of this round had come.
    pub(crate) fresh: bool,
}

impl Loaded {
    /// Its state, where it can be read.
    pub(crate) fn state(&self) -> Option<&StreamState> {
        match &self.known {
            Known::State(state) => Some(state),
            Known::Unreadable => None,
        }
    }

    /// Seq of the last control event, 0 for a stream that does not exist; `None` where it cannot be read.
    pub(crate) fn guard(&self) -> Option<u64> {
        self.state().map(|state| state.guard)
    }
}

/// Reads states from the log. A stream that cannot be read hinders no other.
pub(crate) async fn read(log: &Log, lane: u8, streams: &[Uuid]) -> Result<Vec<(Uuid, Known)>, ReadError> {
    /// Streams that one statement asks for.
    const AT_ONCE: usize = 256;
    let mut known = Vec::with_capacity(streams.len());
    for chunk in streams.chunks(AT_ONCE) {
        let mut folded: HashMap<Uuid, Option<StreamState>> = chunk
            .iter()
            .map(|stream| (*stream, Some(StreamState::default())))
            .collect();
        let mut spoilt = vec![];
        for step in log.steps(lane, chunk, FROZEN_VERSION).await? {
            match step {
                Step::Kept { first, seq, state } => {
                    if let Some(state) = StreamState::thaw(&first, seq, &state) {
                        folded.insert(first.stream, Some(state));
                    } else {
                        tracing::error!(lane, stream = %first.stream, seq, "a state that was kept cannot be read");
                        spoilt.push(first.stream);
                        folded.remove(&first.stream);
                    }
                }
                Step::Control(recorded) => fold(lane, &mut folded, &recorded),
            }
        }
        for stream in spoilt {
            // The events tell the same.
            folded.insert(stream, Some(StreamState::default()));
            for recorded in log.controls(stream).await? {
                fold(lane, &mut folded, &recorded);
            }
        }
        known.extend(folded.into_iter().map(|(stream, state)| {
            let known = state.map_or(Known::Unreadable, |state| Known::State(Arc::new(state)));
            (stream, known)
        }));
    }
    Ok(known)
}

/// Folds a control event into the state of its stream; one that cannot be read makes it none.
fn fold(lane: u8, folded: &mut HashMap<Uuid, Option<StreamState>>, recorded: &Recorded) {
    if let Some(state) = folded.get_mut(&recorded.stream)
        && let Some(readable) = state
        && let Err(error) = readable.fold(recorded)
    {
        tracing::error!(lane, pos = recorded.pos, %error, "a control event cannot be read");
        *state = None;
    }
}

/// States, bounded in number and in bytes. An entry may be old: the guard tells when a decision depends on that.
pub(crate) struct States {
    known: LruCache<Uuid, (Known, usize)>,
    bytes: usize,
    bytes_max: usize,
}

impl States {
    pub(crate) fn new(capacity: usize, bytes_max: usize) -> Self {
        Self {
            known: LruCache::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN)),
            bytes: 0,
            bytes_max,
        }
    }

    /// What is known of streams, and which of them the log must be asked about.
    pub(crate) fn look_up(&mut self, mut streams: Vec<Uuid>) -> (HashMap<Uuid, Loaded>, Vec<Uuid>) {
        streams.sort_unstable();
        streams.dedup();
        let mut loaded = HashMap::with_capacity(streams.len());
        let mut missing = vec![];
        for stream in streams {
            match self.get(stream) {
                Some(known) => {
                    loaded.insert(stream, Loaded { known, fresh: false });
                }
                None => missing.push(stream),
            }
        }
        (loaded, missing)
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

    pub(crate) fn get(&mut self, stream: Uuid) -> Option<Known> {
        self.known.get(&stream).map(|(known, _)| known.clone())
    }

    pub(crate) fn put(&mut self, stream: Uuid, known: Known) {
        let bytes = match &known {
            Known::State(state) => state.bytes(),
            Known::Unreadable => size_of::<Uuid>(),
        };
        self.forget(stream);
        self.bytes += bytes;
        if let Some((_, (_, gone))) = self.known.push(stream, (known, bytes)) {
            self.bytes -= gone;
        }
        while self.bytes > self.bytes_max
            && self.known.len() > 1
            && let Some((_, (_, gone))) = self.known.pop_lru()
        {
            self.bytes -= gone;
        }
    }

    pub(crate) fn forget(&mut self, stream: Uuid) {
        if let Some((_, gone)) = self.known.pop(&stream) {
            self.bytes -= gone;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.bytes = 0;
    }

    /// Drops a state that is older than control event `seq`.
    pub(crate) fn outdate(&mut self, stream: Uuid, seq: u64) {
        if let Some((Known::State(state), _)) = self.known.peek(&stream)
            && state.guard < seq
        {
            self.forget(stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_bounded_in_bytes() {
        let mut states = States::new(100, 4 * size_of::<StreamState>());
        for n in 0..10 {
            states.put(Uuid::from_u128(n), Known::State(Arc::default()));
            states.put(Uuid::from_u128(n), Known::State(Arc::default()));
        }
        assert!(states.get(Uuid::from_u128(5)).is_none() && states.get(Uuid::from_u128(6)).is_some());
        states.forget(Uuid::from_u128(6));
        assert_eq!(states.bytes, 3 * size_of::<StreamState>());
        states.clear();
        assert_eq!((states.bytes, states.known.len()), (0, 0));
    }
}
