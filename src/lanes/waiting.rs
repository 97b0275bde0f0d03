//! Requests whose stream is being read. They wait aside, so that nobody waits for the long stream of somebody else.

use super::states::{Known, read};
use super::{Refusal, Request};
use std::collections::HashMap;
use std::time::Duration;
use tidings_eventlog::Log;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// Reads that one lane has under way; the others gather behind them.
const READS: usize = 2;
/// Streams that one read takes.
const STREAMS: usize = 256;

/// Streams that were read.
pub(super) struct Read {
    pub(super) streams: Vec<Uuid>,
    /// How often everything had been forgotten when the read began.
    begun: u64,
    /// `None` when the log did not answer in time.
    pub(super) states: Option<Vec<(Uuid, Known)>>,
}

pub(super) struct Waiting {
    /// By stream, in order.
    requests: HashMap<Uuid, Vec<Request>>,
    count: usize,
    room: usize,
    /// Streams that no read has taken yet.
    wanted: Vec<Uuid>,
    /// Tasks, so that they go on while the lane appends. They end with the lane.
    reads: JoinSet<Read>,
    /// The newest control events that were heard of meanwhile.
    moved: HashMap<Uuid, u64>,
    /// How often everything was forgotten.
    forgotten: u64,
}

impl Waiting {
    /// At most `room` requests wait.
    pub(super) fn new(room: usize) -> Self {
        Self {
            requests: HashMap::new(),
            count: 0,
            room,
            wanted: vec![],
            reads: JoinSet::new(),
            moved: HashMap::new(),
            forgotten: 0,
        }
    }

    /// Whether a request to the stream has to wait for those before it.
    pub(super) fn holds(&self, stream: Uuid) -> bool {
        self.requests.contains_key(&stream)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Lets a request wait for its stream, or refuses it where there is no room.
    pub(super) fn add(&mut self, request: Request) {
        if self.count >= self.room {
            return request.refuse(Refusal::Overloaded);
        }
        self.count += 1;
        let stream = request.stream();
        let waiting = self.requests.entry(stream).or_insert_with(|| {
            self.wanted.push(stream);
            vec![]
        });
        waiting.push(request);
    }

    /// Takes note that a stream's control events have moved on: a read that began before may not show it.
    pub(super) fn moved(&mut self, stream: Uuid, seq: u64) {
        if self.holds(stream) {
            self.moved.insert(stream, seq);
        }
    }

    /// Whatever is being read may be old.
    pub(super) fn forget(&mut self) {
        self.forgotten += 1;
    }

    /// Has streams read, as many at a time as may be.
    pub(super) fn start(&mut self, log: &Log, lane: u8, patience: Duration) {
        while !self.wanted.is_empty() && self.reads.len() < READS {
            let count = self.wanted.len().min(STREAMS);
            let streams = self.wanted.drain(..count).collect();
            let read = read_patiently(log.clone(), lane, streams, self.forgotten, patience);
            self.reads.spawn(read);
        }
    }

    /// The next read that is done. Never, where there is none.
    pub(super) async fn next(&mut self) -> Read {
        match self.reads.join_next().await {
            Some(Ok(read)) => read,
            // Nobody would be told: the lane goes the same way.
            Some(Err(error)) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// Whether what was read may be older than what has been forgotten since.
    pub(super) fn is_old(&self, read: &Read) -> bool {
        read.begun != self.forgotten
    }

    /// Those who waited for a stream; none, where what was read of it is old, or older than what was heard, and it is read again.
    pub(super) fn take(&mut self, stream: Uuid, known: &Known, old: bool) -> Vec<Request> {
        let heard = self.moved.remove(&stream).unwrap_or(0);
        if old || matches!(known, Known::State(state) if state.guard < heard) {
            self.wanted.push(stream);
            return vec![];
        }
        self.leave(stream)
    }

    /// Those who waited for a stream that could not be read.
    pub(super) fn leave(&mut self, stream: Uuid) -> Vec<Request> {
        self.moved.remove(&stream);
        let requests = self.requests.remove(&stream).unwrap_or_default();
        self.count -= requests.len();
        requests
    }
}

async fn read_patiently(log: Log, lane: u8, streams: Vec<Uuid>, begun: u64, patience: Duration) -> Read {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(20);
    let states = loop {
        match read(&log, lane, &streams).await {
            Ok(states) => break Some(states),
            Err(error) if Instant::now() + pause >= deadline => {
                tracing::warn!(lane, streams = streams.len(), %error, "streams could not be read");
                break None;
            }
            Err(error) => {
                tracing::debug!(lane, %error, "trying to read streams again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(500));
            }
        }
    };
    Read {
        streams,
        begun,
        states,
    }
}

#[cfg(test)]
mod tests {
    use super::super::states::StreamState;
    use super::*;
    use crate::lanes::Authorize;
    use std::sync::Arc;
    use tidings_domain::{ConversationId, UserId};
    use tokio::sync::oneshot;

    fn request(stream: u128) -> (Request, oneshot::Receiver<Result<super::super::Seat, Refusal>>) {
        let (reply, answer) = oneshot::channel();
        let question = Authorize {
            conversation: ConversationId(Uuid::from_u128(stream)),
            user: UserId(Uuid::nil()),
            fresh: false,
            reply,
        };
        (Request::Authorize(question), answer)
    }

    fn at(guard: u64) -> Known {
        Known::State(Arc::new(StreamState {
            guard,
            ..StreamState::default()
        }))
    }

    #[test]
    fn who_finds_no_room_is_told_and_who_leaves_makes_some() {
        let mut waiting = Waiting::new(2);
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut answers: Vec<_> = [1, 1, 2]
            .into_iter()
            .map(|stream| {
                let (request, answer) = request(stream);
                waiting.add(request);
                answer
            })
            .collect();
        assert!(matches!(answers[2].try_recv(), Ok(Err(Refusal::Overloaded))));
        assert!(waiting.holds(one) && !waiting.holds(other));
        assert_eq!(waiting.take(one, &at(1), false).len(), 2);
        assert!(waiting.is_empty());
        waiting.add(request(2).0);
        assert!(waiting.holds(other));
    }

    #[test]
    fn what_was_read_before_something_was_heard_is_read_again() {
        let mut waiting = Waiting::new(9);
        let stream = Uuid::from_u128(1);
        waiting.add(request(1).0);
        waiting.wanted.clear();
        waiting.moved(stream, 7);
        waiting.moved(Uuid::from_u128(2), 7);
        assert_eq!(waiting.moved.len(), 1, "of others nobody has to know");
        assert!(waiting.take(stream, &at(6), false).is_empty());
        assert!(waiting.take(stream, &at(7), true).is_empty());
        assert_eq!(waiting.wanted, [stream, stream]);
        assert_eq!(waiting.take(stream, &at(7), false).len(), 1);
        let read = Read {
            streams: vec![],
            begun: 0,
            states: None,
        };
        assert!(!waiting.is_old(&read));
        waiting.forget();
        assert!(waiting.is_old(&read));
    }
}
