//! One lane's task: decide what has queued, commit it as one batch, answer, hand it on, and begin again.
//!
//! There is no timer: while a batch is on its way the queue grows, and all of it becomes the next batch. One batch is in
//! flight at a time, so commands take effect in the order queued.

use super::answers::Answers;
use super::facts::{self, Asked};
use super::keeper::Keeper;
use super::round::{Pending, Room, Round, Verdict, isolate};
use super::states::{Known, Loaded, States, StreamState, read};
use super::waiting::{Read, Waiting};
use super::{Authorize, LaneLimits, Refusal, Request, Seat, Shared};
use crate::delivery::Hub;
use crate::stale::Invalidations;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::{Facts, StreamCommand, UserCommand};
use tidings_eventlog::{AppendError, Appended, Appender, Committed, LaneHead, Log, Outcome, ReadError};
use tokio::sync::mpsc;
use tokio::time::Instant;
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

    /// Brings every command to an answer. What of their streams was read for them is in `fresh`.
    async fn settle(&mut self, mut pending: Vec<Pending>, fresh: &mut HashMap<Uuid, Loaded>) {
        let deadline = Instant::now() + self.limits.patience;
        let mut pause = Duration::from_millis(20);
        self.cap = self.limits.batch_commands;
        loop {
            pending.sort_by_key(|command| command.order);
            pending = self.answers.recent(pending);
            if pending.is_empty() {
                return;
            }
            match self.round(pending, fresh).await {
                Ok(rest) => {
                    pending = rest;
                    pause = Duration::from_millis(20);
                }
                Err((rest, error)) => {
                    if Instant::now() + pause >= deadline {
                        tracing::warn!(
                            lane = self.lane,
                            commands = rest.len(),
                            error,
                            "gave up on a batch"
                        );
                        metrics::counter!("tidings_lane_given_up_total").increment(rest.len() as u64);
                        for command in rest {
                            tracing::info!(command = %command.command.id(), "a command was given up");
                            (command.reply)(Err(Refusal::Unavailable));
                        }
                        return;
                    }
                    tracing::debug!(lane = self.lane, error, "trying a batch again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(500));
                    pending = rest;
                }
            }
        }
    }

    /// Decides once and commits once. Answers what is left to do, or with an error everything that is.
    async fn round(
        &mut self,
        pending: Vec<Pending>,
        fresh: &mut HashMap<Uuid, Loaded>,
    ) -> Result<Vec<Pending>, (Vec<Pending>, String)> {
        let streams = pending.iter().map(Pending::stream).collect();
        let (known, facts) = match self.load(streams, Asked::by(&pending), fresh).await {
            Ok(loaded) => loaded,
            Err(error) => return Err((pending, error.to_string())),
        };
        let room = Room {
            commands: self.cap,
            bytes: self.limits.batch_bytes,
        };
        let mut round = Round::decide(self.lane, pending, &known, facts, room, crate::clock::now());
        for (command, answer) in std::mem::take(&mut round.answered) {
            answer.give(command);
        }
        if !round.doubtful.is_empty() {
            let doubtful = std::mem::take(&mut round.doubtful);
            match self.confirm(doubtful, &known).await {
                // Some state was old: everything is decided again, in the old order.
                Ok(again) if !again.is_empty() => return Ok(round.rejoin(again)),
                Ok(_) => {}
                Err((doubtful, error)) => return Err((round.rejoin(doubtful), error.to_string())),
            }
        }
        if round.chosen.is_empty() {
            return Ok(round.later);
        }
        // Seen by the hub before the batch is sent, so it is in the log now, or the log has gone back.
        let decided_on = self.at.epoch;
        self.look_at_hub();
        if self.at.epoch != decided_on {
            return Ok(round.rejoin(vec![]));
        }
        let mut batch = round.batch(self.lane);
        batch.set_known(self.at);
        let began = Instant::now();
        let outcome = self.appender.append(&batch).await;
        metrics::histogram!("tidings_append_seconds").record(began.elapsed());
        match outcome {
            Ok(Outcome::OtherTimeLine(at)) => {
                self.begin_again(at);
                self.hub.begin(at).await;
                let (lost, mut rest): (Vec<_>, Vec<_>) =
                    round.rejoin(vec![]).into_iter().partition(moves_cursors);
                // They name seqs of the lost time line. Everything else means on this one what it meant there.
                for command in lost {
                    (command.reply)(Err(Refusal::Unavailable));
                }
                rest.sort_by_key(|command| command.order);
                Ok(rest)
            }
            Ok(Outcome::Appended(appended)) => {
                self.committed(round.chosen, round.overlays, appended).await;
                Ok(round.later)
            }
            Ok(Outcome::Refused { repeats, stale }) => {
                for stream in stale {
                    self.states.forget(stream.stream);
                }
                let mut rest = self.answers.repeats(round.chosen, &repeats);
                rest.append(&mut round.later);
                Ok(rest)
            }
            Err(AppendError::Failed {
                message,
                transient: false,
                ..
            }) => {
                if let Some(culprit) = isolate(&mut round.chosen, &mut self.cap, self.limits.batch_commands) {
                    tracing::error!(
                        lane = self.lane,
                        error = message,
                        "the log refused a command for good"
                    );
                    (culprit.reply)(Err(Refusal::Unavailable));
                }
                Ok(round.rejoin(vec![]))
            }
            Err(error) => {
                let uncertain = matches!(error, AppendError::Unknown(_));
                let mut rest = round.chosen;
                for command in &mut rest {
                    command.uncertain |= uncertain;
                }
                rest.append(&mut round.later);
                Err((rest, error.to_string()))
            }
        }
    }

    /// The states of commands' streams and what else they are decided on, in the time that one look into the log takes.
    async fn load(
        &mut self,
        streams: Vec<Uuid>,
        asked: Asked,
        fresh: &mut HashMap<Uuid, Loaded>,
    ) -> Result<(HashMap<Uuid, Loaded>, Facts), ReadError> {
        let (mut known, mut missing) = self.states.look_up(streams);
        missing.retain(|stream| {
            let Some(loaded) = fresh.remove(stream) else {
                return true;
            };
            known.insert(*stream, loaded);
            false
        });
        let (states, facts) = tokio::try_join!(
            Box::pin(read(&self.log, self.lane, &missing)),
            Box::pin(facts::load(&self.log, self.lane, self.limits.rules, asked)),
        )?;
        known.extend(self.take_in(states, true));
        Ok((known, facts))
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

    /// Makes sure of what appends nothing: a repeat of a command that took effect gets its first answer, and a verdict stands only
    /// when the state that it was made on is the newest, and what it says of a message was read after it was known to be no repeat:
    /// the message may have come by an attempt at another node. Answers the commands to decide again.
    async fn confirm(
        &mut self,
        doubtful: Vec<(Pending, Verdict)>,
        known: &HashMap<Uuid, Loaded>,
    ) -> Result<Vec<Pending>, (Vec<Pending>, ReadError)> {
        // What has just been looked for and is not there is not worth another look.
        let absent = |command: &Pending| {
            let loaded = known.get(&command.stream());
            !command.uncertain && loaded.is_some_and(|loaded| loaded.fresh && loaded.guard() == Some(0))
        };
        let (certain, doubtful): (Vec<_>, Vec<_>) =
            doubtful.into_iter().partition(|(command, _)| absent(command));
        for (command, verdict) in certain {
            self.answers.confirmed(command, verdict, None);
        }
        if doubtful.is_empty() {
            return Ok(vec![]);
        }
        let asked: Vec<(Uuid, Uuid)> = doubtful
            .iter()
            .map(|(command, _)| (command.stream(), command.id()))
            .collect();
        let found = match self.log.doubts(self.lane, &asked).await {
            Ok(found) => found,
            Err(error) => return Err((doubtful.into_iter().map(|(command, _)| command).collect(), error)),
        };
        let mut again = vec![];
        for ((mut command, verdict), (repeat, guard)) in doubtful.into_iter().zip(found) {
            let state = known.get(&command.stream()).and_then(Loaded::state);
            let needs_a_look = command.needs().is_some() && !command.looked_again;
            if let Some(repeat) = repeat {
                self.answers.repeat(command, &repeat);
            } else if state.map(|state| state.guard) == Some(guard) && needs_a_look {
                command.looked_again = true;
                again.push(command);
            } else if state.map(|state| state.guard) == Some(guard) {
                self.answers.confirmed(command, verdict, state);
            } else {
                self.states.forget(command.stream());
                again.push(command);
            }
        }
        Ok(again)
    }

    /// A batch is durable: answers, remembers, and hands the events on.
    async fn committed(
        &mut self,
        chosen: Vec<Pending>,
        overlays: HashMap<Uuid, StreamState>,
        appended: Appended,
    ) {
        self.answers.committed(chosen, &appended);
        for (stream, mut overlay) in overlays {
            let controls = appended
                .events
                .iter()
                .filter(|event| event.stream == stream && event.control);
            for event in controls {
                overlay.count(event);
            }
            let due = overlay.is_due();
            if due {
                overlay.unkept = 0;
            }
            let state = Arc::new(overlay);
            if due {
                self.keeper.offer(self.lane, stream, self.at.epoch, &state);
            }
            self.states.put(stream, Known::State(state));
        }
        metrics::counter!("tidings_events_appended_total").increment(appended.events.len() as u64);
        if let Some(last) = appended.events.last() {
            self.at.head = last.pos;
        }
        let committed = Committed {
            epoch: self.at.epoch,
            events: Arc::new(appended.events),
        };
        // The hub always drains its queue; it has gone only when the node stops, and then the log has it all.
        let _ = self.sink.send(committed).await;
    }

    async fn authorize(&mut self, questions: Vec<Authorize>) {
        let (known, reach) = match self.look_up(&questions).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(lane = self.lane, %error, "membership could not be looked up");
                (HashMap::new(), HashMap::new())
            }
        };
        for question in questions {
            let stream = question.conversation.0;
            let answer = match known.get(&stream).and_then(Loaded::state) {
                None => Err(Refusal::Unavailable),
                Some(state) => match state.stream.authorize(question.user) {
                    Ok(_) => Ok(Seat {
                        members: state.stream.member_count(),
                        reach: reach.get(&stream).copied().unwrap_or(0),
                    }),
                    Err(rejection) => Err(rejection.into()),
                },
            };
            // The asking connection may be gone.
            let _ = question.reply.send(answer);
        }
    }

    /// The states of the conversations asked about, and how far those reach that need a fresh answer.
    async fn look_up(
        &mut self,
        questions: &[Authorize],
    ) -> Result<(HashMap<Uuid, Loaded>, HashMap<Uuid, u64>), ReadError> {
        let fresh = questions.iter().filter(|question| question.fresh);
        let fresh: Vec<Uuid> = fresh.map(|question| question.conversation.0).collect();
        let reach = self.refresh(&fresh).await?;
        let streams = questions.iter().map(|question| question.conversation.0).collect();
        let (mut known, missing) = self.states.look_up(streams);
        let states = read(&self.log, self.lane, &missing).await?;
        known.extend(self.take_in(states, true));
        Ok((known, reach))
    }

    /// Reads how far streams reach, and forgets those states that the log has moved past.
    async fn refresh(&mut self, streams: &[Uuid]) -> Result<HashMap<Uuid, u64>, ReadError> {
        let mut reach = HashMap::with_capacity(streams.len());
        if streams.is_empty() {
            return Ok(reach);
        }
        let heads = self.log.stream_heads(streams).await?;
        for (stream, head) in streams.iter().copied().zip(heads) {
            match head {
                Some(head) => {
                    self.states.outdate(stream, head.guard);
                    reach.insert(stream, head.seq);
                }
                None => self.states.forget(stream),
            }
        }
        Ok(reach)
    }
}

/// Whether a command names seqs, which mean other events on another time line.
fn moves_cursors(command: &Pending) -> bool {
    matches!(
        &command.command,
        StreamCommand::User {
            command: UserCommand::MoveCursors { .. },
            ..
        }
    )
}
