//! One lane's task: decide what has queued, commit it as one batch, answer, hand it on, and begin again.
//!
//! There is no timer: while a batch is on its way the queue grows, and all of it becomes the next batch. One batch is in
//! flight at a time, so commands take effect in the order queued.

mod seats;
mod settling;

use super::answers::Answers;
use super::asked::Sources;
use super::keeper::Keeper;
use super::pace::Paces;
use super::restless::Restless;
use super::round::Pending;
use super::slow::{Looks, Slow};
use super::states::{Known, Loaded, States};
use super::waiting::{Arrived, Released, Waiting};
use super::{LaneLimits, Request, Shared};
use crate::controls::Told;
use crate::delivery::Hub;
use std::collections::HashMap;
use std::sync::Arc;
use tidings_domain::stored::Kind;
use tidings_eventlog::{Appender, Committed, LaneHead, Log};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

/// Decides and commits the commands of one lane.
pub struct LaneTask {
    lane: u8,
    log: Log,
    sources: Sources,
    appender: Arc<Appender>,
    answers: Answers,
    told: Arc<Told>,
    paces: Paces,
    hub: Hub,
    keeper: Keeper,
    sink: mpsc::Sender<Committed>,
    limits: LaneLimits,
    /// Where the lane is known to be. States belong to its time line.
    at: LaneHead,
    states: States,
    waiting: Waiting,
    restless: Restless,
    /// How many requests have come to be carried out: their places in the order queued.
    taken: usize,
    /// Commands in one batch just now; less than the limit while a culprit is looked for.
    cap: usize,
    /// How much is asked of the log at once just now.
    looks: Looks,
    slow_messages: Slow,
    /// An append of this node may be on its way into the log still: nobody has seen how it ended.
    unsettled: bool,
}

impl LaneTask {
    pub(super) fn new(lane: u8, shared: Shared, sink: mpsc::Sender<Committed>) -> Self {
        let Shared {
            log,
            sources,
            appender,
            recent,
            hub,
            keeper,
            controls,
            people,
            limits,
        } = shared;
        Self {
            lane,
            log,
            sources,
            answers: Answers::new(lane, recent, Arc::clone(&appender)),
            appender,
            told: controls.of(lane),
            paces: Paces::new(limits.changes_per_second, limits.changes_burst),
            at: hub.at(lane),
            hub,
            keeper,
            sink,
            limits,
            states: States::new(limits.cached_streams, limits.cached_bytes),
            waiting: Waiting::new(limits.queue, people),
            restless: Restless::new(limits.queue, Instant::now()),
            taken: 0,
            cap: limits.batch_commands,
            looks: Looks::default(),
            slow_messages: Slow::default(),
            // Somebody may have gone before in this node's place, and left an append on its way.
            unsettled: true,
        }
    }

    /// Runs until `stop`, then commits what has queued and ends.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>, stop: CancellationToken) {
        let mut taken = Vec::with_capacity(self.limits.batch_commands);
        let mut open = true;
        loop {
            let turn = self.restless.due();
            if !open && self.waiting.is_empty() && turn.is_none() {
                return;
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !requests.is_closed() => requests.close(),
                arrived = self.waiting.next() => self.arrived(arrived).await,
                count = requests.recv_many(&mut taken, self.limits.batch_commands), if open => {
                    open = count > 0;
                    self.serve(&mut taken).await;
                }
                // Where others come all the time, it is taken behind them.
                () = sleep_until(turn.unwrap_or_else(Instant::now)), if turn.is_some() => self.take_turn().await,
            }
        }
    }

    /// Carries requests out, but for those whose stream has to be read first, or that name people or forward messages that have to be looked
    /// up.
    async fn serve(&mut self, taken: &mut Vec<Request>) {
        self.look_around();
        let mut ready = Vec::with_capacity(taken.len());
        for request in taken.drain(..) {
            let there = self.states.contains(request.stream());
            ready.extend(self.waiting.admit(request, there));
        }
        self.read_on();
        self.carry_out(ready, HashMap::new()).await;
    }

    /// Carries out what has waited for streams to be read, or for people or messages to be looked up. All that has come of it becomes one batch.
    async fn arrived(&mut self, arrived: Vec<Arrived>) {
        self.look_around();
        let mut ready = vec![];
        let mut read: HashMap<Uuid, Loaded> = HashMap::new();
        for one in arrived {
            let states = &self.states;
            let there = |stream| states.contains(stream) || read.contains_key(&stream);
            let released = match one {
                Arrived::Read(read) => self.waiting.read(self.lane, read),
                Arrived::People(found) => self.waiting.looked_up(found.as_ref(), there),
                Arrived::Found(found) => self.waiting.found(found, there),
            };
            let mut of_streams = vec![];
            for Released {
                stream,
                known,
                requests,
            } in released
            {
                ready.extend(requests);
                of_streams.extend(known.map(|known| (stream, known)));
            }
            // Some came when their stream was being read already, and must not be told that what came before them is not there.
            read.extend(self.take_in(of_streams, false));
        }
        self.read_on();
        self.carry_out(ready, read).await;
    }

    fn read_on(&mut self) {
        self.waiting.start(&self.sources, self.lane, self.limits.patience);
    }

    /// Takes over what has been heard of the lane: control events are folded into the states that are kept.
    fn look_around(&mut self) {
        let news = self.told.drain();
        // What was heard in another time line than the hub is in by now says nothing.
        self.look_at_hub();
        if news.all {
            self.states.clear();
            self.waiting.forget();
        }
        for (stream, seq) in &news.streams {
            if self.states.is_older(*stream, *seq) {
                self.states.forget(*stream);
            }
            self.waiting.moved(*stream);
        }
        let now = Instant::now();
        for (epoch, recorded) in &news.events {
            if *epoch != self.at.epoch || news.streams.contains_key(&recorded.stream) {
                continue;
            }
            self.waiting.heard(recorded);
            if self.states.follow(self.lane, recorded) && !Kind(recorded.kind).is_noted() {
                self.paces.spend(recorded.stream, 1, now);
            }
        }
    }

    /// Brings requests to their answers. What was read for them of their streams comes with them.
    async fn carry_out(&mut self, requests: Vec<Request>, mut read: HashMap<Uuid, Loaded>) {
        let mut pending = Vec::with_capacity(requests.len());
        let mut questions = vec![];
        for request in requests {
            let order = self.taken;
            self.taken += 1;
            match request {
                Request::Command {
                    command,
                    digest,
                    people,
                    rooms,
                    asked: _,
                    original,
                    regards,
                    as_of,
                    reply,
                } => pending.push(Pending {
                    order,
                    command,
                    digest,
                    people,
                    rooms,
                    original,
                    regards,
                    as_of,
                    reply,
                    uncertain: false,
                    looked_again: false,
                    tried_at: None,
                }),
                Request::Authorize(question) => questions.push((order, question)),
            }
        }
        if !pending.is_empty() {
            metrics::histogram!("tidings_lane_batch_commands").record(pending.len() as f64);
            let span = tracing::info_span!("batch", lane = self.lane, commands = pending.len());
            self.settle(pending, &mut read).instrument(span).await;
        }
        let questions = self.restless.hold_questions(questions);
        if !questions.is_empty() {
            self.authorize(questions).await;
        }
        if self.restless.due().is_some_and(|due| due <= Instant::now()) {
            self.take_turn().await;
        }
    }

    /// Tries the commands of restless streams, which nobody else's are written with. Those of streams that have moved on again stand aside for
    /// another turn.
    async fn take_turn(&mut self) {
        // What was heard since the last batch was decided may be what they have to follow.
        self.look_around();
        self.read_on();
        let (commands, late) = self.restless.begin_turn(Instant::now(), self.limits.patience);
        if !late.is_empty() {
            self.give_up(late, "their streams have not come to rest");
        }
        if !commands.is_empty() {
            let span = tracing::info_span!("turn", lane = self.lane, commands = commands.len());
            self.settle(commands, &mut HashMap::new()).instrument(span).await;
        }
        let questions = self.restless.end_turn(Instant::now());
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
