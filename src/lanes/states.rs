//! States of streams, as folded from their control events.

mod cache;
mod reading;

use crate::clock;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tidings_domain::Stream;
use tidings_domain::stored::{self, DecodeError};
use tidings_eventlog::Recorded;
use uuid::Uuid;

pub(crate) use cache::{Found, States};
pub(crate) use reading::{catch_up, read, read_within};

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
        // An entry of a map, of members above all, with the room that maps keep free.
        const ENTRY: usize = 96;
        size_of::<Self>() + self.stream.entry_count() * ENTRY
    }

    /// Folds a control event from the log. One whose time lies ahead counts from now on, see [`Stream::cap`].
    pub(crate) fn fold(&mut self, recorded: &Recorded) -> Result<(), DecodeError> {
        let event = stored::decode(recorded.kind, recorded.ver, &recorded.payload)?;
        self.stream.evolve_at(&event, recorded.seq);
        self.guard = recorded.seq;
        self.first.get_or_insert(First::of(recorded));
        self.stream.date(clock::now().min(recorded.at));
        self.unkept += 1;
        Ok(())
    }

    /// One that was kept beside the log.
    fn thaw(first: &Recorded, seq: u64, state: &[u8]) -> Option<Self> {
        let mut stream = Stream::thaw(state)?;
        stream.cap(clock::now());
        Some(Self {
            stream,
            guard: seq,
            first: Some(First::of(first)),
            unkept: 0,
        })
    }

    /// Whether it should be kept again: to fold what came since takes about as long as to read it.
    pub(crate) fn is_due(&self) -> bool {
        const CONTROLS: usize = 256;
        self.unkept >= CONTROLS.max(self.stream.entry_count() / 4)
    }
}

/// What is known of a stream.
#[derive(Clone)]
pub(crate) enum Known {
    State(Arc<StreamState>),
    /// A control event of it cannot be read by this version, which refuses its commands. A newer node may carry them out.
    Unreadable,
}

impl Known {
    /// Whether there is no such stream.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::State(state) if state.guard == 0)
    }

    /// Folds a control event of the stream that is told of, where it is news. All between what is known and this one must have been
    /// told before. Answers whether it was news.
    pub(crate) fn follow(&mut self, lane: u8, recorded: &Recorded) -> bool {
        let Self::State(state) = self else {
            return false;
        };
        if recorded.seq <= state.guard {
            return false;
        }
        if let Err(error) = Arc::make_mut(state).fold(recorded) {
            tracing::error!(lane, pos = recorded.pos, %error, "a control event cannot be read");
            *self = Self::Unreadable;
        }
        true
    }

    fn bytes(&self) -> usize {
        match self {
            Self::State(state) => state.bytes(),
            Self::Unreadable => size_of::<Uuid>(),
        }
    }
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

#[cfg(test)]
mod tests;
