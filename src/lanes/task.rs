//! One lane's task: decide what has queued, commit it as one batch, answer, hand it on, and begin again.
//!
//! There is no timer: while a batch is on its way the queue grows, and all of it becomes the next batch. One batch is in
//! flight at a time, so commands take effect in the order queued.

mod seats;
mod settling;

use super::answers::Answers;
use super::keeper::Keeper;
use super::round::Pending;
use super::states::{Known, Loaded, States};
use super::waiting::{Read, Waiting};
use super::{LaneLimits, Refusal, Request, Shared};
use crate::delivery::Hub;
use crate::stale::Invalidations;
use std::collections::HashMap;
use std::sync::Arc;
use tidings_eventlog::{Appender, Committed, LaneHead, Log};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

/// Decides and commits the commands of one lane.
pub struct LaneTask {
    lane: u8,
    log: Log,
    slow: Log,
    appender: Arc<Appender>,
    answers: Answers,
    invalid: Arc<Invalidations>,
    hub: Hub,
    keeper: Keeper,
    sink: mpsc::Sender<Committed>,
    limits: LaneLimits,
    /// Where the lane is known to be. States belong to its time line.
    at: LaneHead,
    states: States,
    waiting: Waiting,
    /// Commands in one batch just now; less than the limit while a culprit is looked for.
    cap: usize,
}

impl LaneTask {
    pub(super) fn new(lane: u8, shared: Shared, sink: mpsc::Sender<Committed>) -> Self {
        let Shared {
            log,
            slow,
            appender,
            recent,
            hub,
            keeper,
            stale,
            limits,
        } = shared;
        Self {
            lane,
            log,
            slow,
            appender,
            answers: Answers::new(lane, recent),
            invalid: stale.of(lane),
            at: hub.at(lane),
            hub,
            keeper,
            sink,
            limits,
            states: States::new(limits.cached_streams, limits.cached_bytes),
            waiting: Waiting::new(limits.queue),
            cap: limits.batch_commands,
        }
    }

    /// Runs until `stop`, then commits what has queued and ends.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>, stop: CancellationToken) {
        let mut taken = Vec::with_capacity(self.limits.batch_commands);
        let mut open = true;
        while open || !self.waiting.is_empty() {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !requests.is_closed() => requests.close(),
                read = self.waiting.next() => self.arrived(read).await,
                count = requests.recv_many(&mut taken, self.limits.batch_commands), if open => {
                    open = count > 0;
                    self.serve(&mut taken).await;
                }
            }
        }
    }

    /// Carries requests out, but for those whose stream has to be read first.
    async fn serve(&mut self, taken: &mut Vec<Request>) {
        self.look_around();
        let mut ready = Vec::with_capacity(taken.len());
        for request in taken.drain(..) {
            let stream = request.stream();
            if self.waiting.holds(stream) || !self.states.contains(stream) {
                self.waiting.add(request);
            } else {
                ready.push(request);
            }
        }
        self.read_on();
        self.carry_out(ready, vec![]).await;
    }

    /// Carries out what has waited for streams to be read.
    async fn arrived(&mut self, read: Read) {
        self.look_around();
        let old = self.waiting.is_old(&read);
        let (mut ready, mut fresh) = (vec![], vec![]);
        match read.states {
            None => {
                for request in read
                    .streams
                    .into_iter()
                    .flat_map(|stream| self.waiting.leave(stream))
                {
                    request.refuse(Refusal::Unavailable);
                }
            }
            Some(states) => {
                for (stream, known) in states {
                    let waited = self.waiting.take(stream, &known, old);
                    if !waited.is_empty() {
                        ready.extend(waited);
                        fresh.push((stream, known));
                    }
                }
            }
        }
        self.read_on();
        self.carry_out(ready, fresh).await;
    }

    fn read_on(&mut self) {
        self.waiting.start(&self.slow, self.lane, self.limits.patience);
    }

    /// Takes over what has been heard of the lane.
    fn look_around(&mut self) {
        let moved = self.invalid.drain();
        if moved.all {
            self.states.clear();
            self.waiting.forget();
        }
        for (stream, seq) in moved.streams {
            self.states.outdate(stream, seq);
            self.waiting.moved(stream, seq);
        }
        self.look_at_hub();
    }

    /// Brings requests to their answers. What was read for them of their streams comes with them.
    async fn carry_out(&mut self, requests: Vec<Request>, read: Vec<(Uuid, Known)>) {
        // Some came when their stream was being read already, and must not be told that what came before them is not there.
        let mut fresh = self.take_in(read, false);
        let mut pending = Vec::with_capacity(requests.len());
        let mut questions = vec![];
        for (order, request) in requests.into_iter().enumerate() {
            match request {
                Request::Command {
                    command,
                    digest,
                    reply,
                } => pending.push(Pending {
                    order,
                    command,
                    digest,
                    reply,
                    uncertain: false,
                    looked_again: false,
                }),
                Request::Authorize(question) => questions.push(question),
            }
        }
        if !pending.is_empty() {
            metrics::histogram!("tidings_lane_batch_commands").record(pending.len() as f64);
            let span = tracing::info_span!("batch", lane = self.lane, commands = pending.len());
            self.settle(pending, &mut fresh).instrument(span).await;
        }
        if !questions.is_empty() {
            self.authorize(questions).await;
        }
    }

    /// Takes over what the hub has seen of the lane, which may be another time line.
    fn look_at_hub(&mut self) {
        let seen = self.hub.at(self.lane);
        if seen.epoch > self.at.epoch {
            self.begin_again(seen);
        } else if self.at.is_before(seen) {
            self.at = seen;
        }
    }

    /// The log has gone back: nothing that was remembered of it need be so.
    fn begin_again(&mut self, at: LaneHead) {
        self.at = at;
        self.states.clear();
        self.waiting.forget();
        self.answers.forget();
    }


    /// Takes in what was read of streams; `fresh` where that was after everybody had asked who is told of it.
    fn take_in(&mut self, states: Vec<(Uuid, Known)>, fresh: bool) -> HashMap<Uuid, Loaded> {
        let mut loaded = HashMap::with_capacity(states.len());
        for (stream, known) in states {
            if let Known::State(state) = &known
                && state.is_due()
            {
                self.keeper.offer(self.lane, stream, self.at.epoch, state);
            }
            self.states.take(stream, &known);
            loaded.insert(stream, Loaded { known, fresh });
        }
        loaded
    }
}
