//! One lane's task: decide what has queued, commit it as one batch, answer, hand it on, and begin again.
//!
//! There is no timer: while a batch is on its way the queue grows, and all of it becomes the next batch. One batch is in
//! flight at a time, so commands take effect in the order queued.

use super::cache::{Invalidations, Known, States, StreamState};
use super::recent::{Recent, Remembered};
use super::{Accepted, Committed, LaneLimits, Refusal, Reply, Request, Seat, Shared};
use crate::hub::Hub;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::stored::{self, DecodeError, Kind};
use tidings_domain::user::UserCommand;
use tidings_domain::{Command, ConversationId, Event, Facts, Rejection, UserId};
use tidings_eventlog::{
    AppendError, Appender, Batch, LaneHead, Log, NewEvent, Outcome, Position, Proposal, ReadError, Repeat,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Decides and commits the commands of one lane.
pub struct LaneTask {
    lane: u8,
    log: Log,
    appender: Arc<Appender>,
    recent: Arc<Recent>,
    invalid: Arc<Invalidations>,
    hub: Hub,
    sink: mpsc::Sender<Committed>,
    limits: LaneLimits,
    /// Where the lane is known to be. States belong to its time line.
    at: LaneHead,
    states: States,
    /// Commands in one batch just now; less than the limit while a culprit is looked for.
    cap: usize,
}

/// A command on its way.
struct Pending {
    /// Place in the order queued.
    order: usize,
    stream: Uuid,
    id: Uuid,
    digest: i64,
    actor: Uuid,
    body: Body,
    reply: Reply,
    /// It was in a batch whose fate is unknown, so finding it in the log may just mean that it got there.
    uncertain: bool,
}

enum Body {
    Conversation(Command),
    User(UserCommand),
}

impl Pending {
    /// The message, of the same stream, that it refers to.
    fn needs(&self) -> Option<(Uuid, Uuid)> {
        match &self.body {
            Body::Conversation(command) => Some((self.stream, command.needs()?)),
            Body::User(_) => None,
        }
    }
}

type Authorization = (
    ConversationId,
    UserId,
    bool,
    oneshot::Sender<Result<Seat, Refusal>>,
);

/// What one round of decisions came to.
struct Round {
    batch: Batch,
    chosen: Vec<Pending>,
    /// Not decided yet: they wait for the outcome of others in this batch, or the batch is full.
    later: Vec<Pending>,
    /// Refused by a state that may be old.
    doubtful: Vec<(Pending, Rejection)>,
    /// States as they are once the batch is committed.
    overlays: HashMap<Uuid, StreamState>,
}

impl LaneTask {
    pub(super) fn new(
        lane: u8,
        shared: Shared,
        invalid: Arc<Invalidations>,
        sink: mpsc::Sender<Committed>,
    ) -> Self {
        let Shared {
            log,
            appender,
            recent,
            hub,
            limits,
        } = shared;
        Self {
            lane,
            log,
            appender,
            recent,
            invalid,
            at: hub.at(lane),
            hub,
            sink,
            limits,
            states: States::new(limits.cached_streams, limits.cached_bytes),
            cap: limits.batch_commands,
        }
    }

    /// Runs until `stop`, then commits what has queued and ends.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>, stop: CancellationToken) {
        let mut taken = Vec::with_capacity(self.limits.batch_commands);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !requests.is_closed() => requests.close(),
                count = requests.recv_many(&mut taken, self.limits.batch_commands) => {
                    if count == 0 {
                        return;
                    }
                    self.serve(&mut taken).await;
                }
            }
        }
    }

    async fn serve(&mut self, taken: &mut Vec<Request>) {
        let moved = self.invalid.drain();
        if moved.all {
            self.states.clear();
        }
        for (stream, seq) in moved.streams {
            self.states.outdate(stream, seq);
        }
        self.look_at_hub();
        let mut pending = Vec::with_capacity(taken.len());
        let mut authorizations: Vec<Authorization> = vec![];
        for (order, request) in taken.drain(..).enumerate() {
            match request {
                Request::Conversation {
                    command,
                    digest,
                    reply,
                } => pending.push(Pending {
                    order,
                    stream: command.conversation.0,
                    id: command.id.0,
                    digest,
                    actor: command.actor.0,
                    body: Body::Conversation(command),
                    reply,
                    uncertain: false,
                }),
                Request::User {
                    user,
                    id,
                    command,
                    reply,
                } => pending.push(Pending {
                    order,
                    stream: user.0,
                    id,
                    digest: 0,
                    actor: user.0,
                    body: Body::User(command),
                    reply,
                    uncertain: false,
                }),
                Request::Authorize {
                    conversation,
                    user,
                    fresh,
                    reply,
                } => {
                    authorizations.push((conversation, user, fresh, reply));
                }
            }
        }
        if !pending.is_empty() {
            metrics::histogram!("tidings_lane_batch_commands").record(pending.len() as f64);
            self.settle(pending).await;
        }
        if !authorizations.is_empty() {
            self.authorize(authorizations).await;
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
        self.recent.clear();
    }

    /// Brings every command to an answer.
    async fn settle(&mut self, mut pending: Vec<Pending>) {
        let deadline = Instant::now() + self.limits.patience;
        let mut pause = Duration::from_millis(20);
        self.cap = self.limits.batch_commands;
        loop {
            pending.sort_by_key(|command| command.order);
            pending = self.answer_recent(pending);
            if pending.is_empty() {
                return;
            }
            match self.round(pending).await {
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

    /// Answers quick repeats from memory.
    fn answer_recent(&self, pending: Vec<Pending>) -> Vec<Pending> {
        let known = self
            .recent
            .find(pending.iter().map(|command| (command.actor, command.id)));
        let mut rest = Vec::with_capacity(pending.len());
        for (command, known) in pending.into_iter().zip(known) {
            match known {
                None => rest.push(command),
                Some(known) => {
                    let same = known.digest == command.digest && known.accepted.stream == command.stream;
                    let duplicate = !command.uncertain;
                    (command.reply)(if same {
                        Ok(Accepted {
                            duplicate,
                            ..known.accepted
                        })
                    } else {
                        Err(Refusal::IdReused)
                    });
                }
            }
        }
        rest
    }

    /// Decides once and commits once. Answers what is left to do, or with an error everything that is.
    async fn round(&mut self, pending: Vec<Pending>) -> Result<Vec<Pending>, (Vec<Pending>, String)> {
        let streams = pending.iter().map(|command| command.stream).collect();
        let known = match self.hydrate(streams).await {
            Ok(known) => known,
            Err(error) => return Err((pending, error.to_string())),
        };
        let needed = pending.iter().filter_map(Pending::needs).collect();
        let facts = match self.facts(needed).await {
            Ok(facts) => facts,
            Err(error) => return Err((pending, error.to_string())),
        };
        let mut round = self.decide(pending, &known, facts);
        if !round.doubtful.is_empty() {
            let doubtful = std::mem::take(&mut round.doubtful);
            match self.confirm(doubtful, &known).await {
                // Some state was old: everything is decided again, in the old order.
                Ok(again) if !again.is_empty() => return Ok(rejoin(again, round)),
                Ok(_) => {}
                Err((doubtful, error)) => return Err((rejoin(doubtful, round), error.to_string())),
            }
        }
        if round.batch.is_empty() {
            return Ok(round.later);
        }
        // Seen by the hub before the batch is sent, so it is in the log now, or the log has gone back.
        let decided_on = self.at.epoch;
        self.look_at_hub();
        if self.at.epoch != decided_on {
            return Ok(rejoin(vec![], round));
        }
        round.batch.set_known(self.at);
        match self.appender.append(&round.batch).await {
            Ok(Outcome::OtherTimeLine(at)) => {
                self.begin_again(at);
                self.hub.begin(at).await;
                let moves_cursors =
                    |command: &Pending| matches!(command.body, Body::User(UserCommand::MoveCursors { .. }));
                let (lost, mut rest): (Vec<_>, Vec<_>) =
                    rejoin(vec![], round).into_iter().partition(moves_cursors);
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
                let mut rest = self.answer_repeats(round.chosen, &repeats);
                rest.append(&mut round.later);
                Ok(rest)
            }
            Err(AppendError::Failed {
                message,
                transient: false,
                ..
            }) => Ok(self.isolate(round.chosen, round.later, &message)),
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

    /// The log refuses something in this batch for good. The culprit must not take the others with it: the first command
    /// is refused when it was alone, and otherwise batches shrink until it is.
    fn isolate(&mut self, mut chosen: Vec<Pending>, mut later: Vec<Pending>, message: &str) -> Vec<Pending> {
        if chosen.len() == 1 {
            tracing::error!(
                lane = self.lane,
                error = message,
                "the log refused a command for good"
            );
            if let Some(command) = chosen.pop() {
                (command.reply)(Err(Refusal::Unavailable));
            }
            self.cap = self.limits.batch_commands;
            return later;
        }
        self.cap = (chosen.len() / 2).max(1);
        chosen.append(&mut later);
        chosen
    }

    /// What is known of streams, from the cache or, where it has nothing, from the log. A stream that cannot be read hinders no
    /// other, and one that does not exist takes no room in the cache: anybody can ask for as many as they like.
    async fn hydrate(&mut self, mut streams: Vec<Uuid>) -> Result<HashMap<Uuid, Loaded>, ReadError> {
        streams.sort_unstable();
        streams.dedup();
        let mut loaded = HashMap::with_capacity(streams.len());
        let mut missing = vec![];
        for stream in streams {
            match self.states.get(stream) {
                Some(known) => {
                    loaded.insert(stream, Loaded { known, fresh: false });
                }
                None => missing.push(stream),
            }
        }
        for chunk in missing.chunks(256) {
            let mut folded: HashMap<Uuid, Result<StreamState, DecodeError>> = chunk
                .iter()
                .map(|stream| (*stream, Ok(StreamState::default())))
                .collect();
            for recorded in self.log.controls_of(chunk).await? {
                let Some(state) = folded.get_mut(&recorded.stream) else {
                    continue;
                };
                if let Ok(readable) = state
                    && let Err(error) = readable.fold(&recorded)
                {
                    tracing::error!(lane = self.lane, pos = recorded.pos, %error, "a control event cannot be read");
                    *state = Err(error);
                }
            }
            for (stream, state) in folded {
                let known = state.map_or(Known::Unreadable, |state| Known::State(Arc::new(state)));
                if !matches!(&known, Known::State(state) if state.guard == 0) {
                    self.states.put(stream, known.clone());
                }
                loaded.insert(stream, Loaded { known, fresh: true });
            }
        }
        Ok(loaded)
    }

    /// What is in the log of that which commands refer to. What stands before them in the same batch is added as it is decided.
    async fn facts(&self, mut needed: Vec<(Uuid, Uuid)>) -> Result<Facts, ReadError> {
        let mut facts = Facts::default();
        if needed.is_empty() {
            return Ok(facts);
        }
        needed.sort_unstable();
        needed.dedup();
        let kind = Kind::MESSAGE_SENT.0;
        for (stream, message) in self.log.written(self.lane, kind, &needed).await? {
            facts.add_message(ConversationId(stream), message);
        }
        Ok(facts)
    }

    fn decide(&mut self, pending: Vec<Pending>, known: &HashMap<Uuid, Loaded>, mut facts: Facts) -> Round {
        let mut round = Round {
            batch: Batch::new(self.lane),
            chosen: Vec::with_capacity(pending.len()),
            later: vec![],
            doubtful: vec![],
            overlays: HashMap::new(),
        };
        let now = crate::clock::now();
        let mut ids = HashSet::with_capacity(pending.len());
        // Once a command of a stream waits, those behind it wait too.
        let mut waiting: HashSet<Uuid> = HashSet::new();
        for command in pending {
            let full = round.batch.len() >= self.cap || round.batch.bytes() >= self.limits.batch_bytes;
            if full || waiting.contains(&command.stream) || !ids.insert(command.id) {
                waiting.insert(command.stream);
                round.later.push(command);
                continue;
            }
            let Some(Loaded {
                known: Known::State(cached),
                ..
            }) = known.get(&command.stream)
            else {
                (command.reply)(Err(Refusal::Unavailable));
                continue;
            };
            let overlay = round.overlays.get(&command.stream);
            let state = overlay.unwrap_or(cached);
            let decided: Result<Vec<Event>, Rejection> = match &command.body {
                Body::Conversation(wanted) => state
                    .conversation
                    .decide(wanted, &facts, now)
                    .map(|events| events.into_iter().map(Event::from).collect()),
                Body::User(wanted) => state
                    .user
                    .decide(wanted.clone())
                    .map(|events| events.into_iter().map(Event::from).collect()),
            };
            match decided {
                Err(_) if overlay.is_some() => {
                    waiting.insert(command.stream);
                    round.later.push(command);
                }
                Err(rejection) => round.doubtful.push((command, rejection)),
                Ok(events) if events.is_empty() => {
                    if overlay.is_some() {
                        waiting.insert(command.stream);
                        round.later.push(command);
                    } else {
                        answer_existing(self.lane, state, command);
                    }
                }
                Ok(events) => {
                    let proposal = propose(&command, state.guard, &events);
                    if proposal.events.iter().any(|event| event.control) {
                        let overlay = round
                            .overlays
                            .entry(command.stream)
                            .or_insert_with(|| StreamState::clone(cached));
                        for event in &events {
                            match event {
                                Event::Conversation(event) => overlay.conversation.evolve(event),
                                Event::User(event) => overlay.user.evolve(event),
                            }
                        }
                    }
                    if let Body::Conversation(wanted) = &command.body
                        && let Some(message) = wanted.makes()
                    {
                        facts.add_message(wanted.conversation, message);
                    }
                    round.batch.push(&proposal);
                    round.chosen.push(command);
                }
            }
        }
        round
    }

    /// Makes sure of refusals: a repeat of a command that took effect gets its first answer, and a refusal stands only
    /// when the state that it was made on is the newest. Answers the commands to decide again.
    async fn confirm(
        &mut self,
        doubtful: Vec<(Pending, Rejection)>,
        known: &HashMap<Uuid, Loaded>,
    ) -> Result<Vec<Pending>, (Vec<Pending>, ReadError)> {
        // What has just been looked for and is not there is not worth another look.
        let absent = |command: &Pending| {
            let loaded = known.get(&command.stream);
            !command.uncertain && loaded.is_some_and(|loaded| loaded.fresh && loaded.guard() == Some(0))
        };
        let (certain, doubtful): (Vec<_>, Vec<_>) =
            doubtful.into_iter().partition(|(command, _)| absent(command));
        for (command, rejection) in certain {
            (command.reply)(Err(rejection.into()));
        }
        if doubtful.is_empty() {
            return Ok(vec![]);
        }
        let asked: Vec<(Uuid, Uuid)> = doubtful
            .iter()
            .map(|(command, _)| (command.stream, command.id))
            .collect();
        let found = match self.log.doubts(self.lane, &asked).await {
            Ok(found) => found,
            Err(error) => return Err((doubtful.into_iter().map(|(command, _)| command).collect(), error)),
        };
        let mut again = vec![];
        for ((command, rejection), (repeat, guard)) in doubtful.into_iter().zip(found) {
            let decided_on = known.get(&command.stream).and_then(Loaded::guard);
            if let Some(repeat) = repeat {
                self.answer_repeat(command, &repeat);
            } else if decided_on == Some(guard) {
                (command.reply)(Err(rejection.into()));
            } else {
                self.states.forget(command.stream);
                again.push(command);
            }
        }
        Ok(again)
    }

    /// Answers those of `chosen` that the log holds already; gives back the others.
    fn answer_repeats(&self, chosen: Vec<Pending>, repeats: &[Repeat]) -> Vec<Pending> {
        let by_proposal: HashMap<usize, &Repeat> =
            repeats.iter().map(|repeat| (repeat.proposal, repeat)).collect();
        let mut rest = vec![];
        for (index, command) in chosen.into_iter().enumerate() {
            match by_proposal.get(&index) {
                Some(repeat) => self.answer_repeat(command, repeat),
                None => rest.push(command),
            }
        }
        rest
    }

    fn answer_repeat(&self, command: Pending, repeat: &Repeat) {
        let accepted = Accepted {
            stream: repeat.stream,
            seq: repeat.seq,
            position: Position {
                lane: self.lane,
                pos: repeat.pos,
            },
            at: repeat.at,
            duplicate: true,
        };
        let entry = Remembered {
            actor: repeat.actor,
            digest: repeat.digest,
            accepted,
        };
        self.recent.remember(std::iter::once((command.id, entry)));
        let same = repeat.actor == command.actor
            && repeat.digest == command.digest
            && repeat.stream == command.stream;
        let duplicate = !command.uncertain;
        (command.reply)(if same {
            Ok(Accepted {
                duplicate,
                ..accepted
            })
        } else {
            Err(Refusal::IdReused)
        });
    }

    /// A batch is durable: answers, remembers, and hands the events on.
    async fn committed(
        &mut self,
        chosen: Vec<Pending>,
        overlays: HashMap<Uuid, StreamState>,
        appended: tidings_eventlog::Appended,
    ) {
        let mut remembered = Vec::with_capacity(chosen.len());
        let mut answers = Vec::with_capacity(chosen.len());
        for (index, command) in chosen.into_iter().enumerate() {
            let Some(last) = appended.of(index).last() else {
                continue;
            };
            let accepted = Accepted {
                stream: last.stream,
                seq: last.seq,
                position: Position {
                    lane: self.lane,
                    pos: last.pos,
                },
                at: last.at,
                duplicate: false,
            };
            remembered.push((
                command.id,
                Remembered {
                    actor: command.actor,
                    digest: command.digest,
                    accepted,
                },
            ));
            answers.push((command.reply, accepted));
        }
        // Before the answers, so that an id is always known: as one on its way, or as one that was answered.
        self.recent.remember(remembered.into_iter());
        for (reply, accepted) in answers {
            reply(Ok(accepted));
        }
        for (stream, mut overlay) in overlays {
            let controls = appended
                .events
                .iter()
                .filter(|event| event.stream == stream && event.control);
            for event in controls {
                overlay.guard = event.seq;
                overlay.first.get_or_insert(super::cache::First {
                    command: event.command,
                    pos: event.pos,
                    seq: event.seq,
                    at: event.at,
                });
            }
            self.states.put(stream, Known::State(Arc::new(overlay)));
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

    async fn authorize(&mut self, requests: Vec<Authorization>) {
        let fresh: Vec<Uuid> = requests
            .iter()
            .filter(|request| request.2)
            .map(|request| request.0.0)
            .collect();
        let streams = requests.iter().map(|request| request.0.0).collect();
        let looked_up = async {
            let reach = self.refresh(&fresh).await?;
            Ok::<_, ReadError>((reach, self.hydrate(streams).await?))
        };
        let (reach, known) = match looked_up.await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(lane = self.lane, %error, "membership could not be looked up");
                (HashMap::new(), HashMap::new())
            }
        };
        for (conversation, user, _, reply) in requests {
            let answer = match known.get(&conversation.0).map(|loaded| &loaded.known) {
                None | Some(Known::Unreadable) => Err(Refusal::Unavailable),
                Some(Known::State(state)) => match state.conversation.authorize(user) {
                    Ok(_) => Ok(Seat {
                        members: state.conversation.member_count(),
                        reach: reach.get(&conversation.0).copied().unwrap_or(0),
                    }),
                    Err(rejection) => Err(rejection.into()),
                },
            };
            // The asking connection may be gone.
            let _ = reply.send(answer);
        }
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

/// What a round knows of a stream.
struct Loaded {
    known: Known,
    /// It was read from the log for this round.
    fresh: bool,
}

impl Loaded {
    /// Seq of the last control event, 0 for a stream that does not exist; `None` where it cannot be read.
    fn guard(&self) -> Option<u64> {
        match &self.known {
            Known::State(state) => Some(state.guard),
            Known::Unreadable => None,
        }
    }
}

fn rejoin(mut again: Vec<Pending>, round: Round) -> Vec<Pending> {
    let mut rest = round.chosen;
    rest.append(&mut again);
    rest.extend(round.later);
    rest
}

fn propose(command: &Pending, guard: u64, events: &[Event]) -> Proposal {
    let events = events
        .iter()
        .map(|event| {
            let (kind, ver, payload) = stored::encode(event);
            NewEvent {
                kind: kind.0,
                ver,
                control: kind.is_control(),
                countable: kind.is_countable(),
                payload: Bytes::from(payload),
            }
        })
        .collect();
    Proposal {
        stream: command.stream,
        command: command.id,
        digest: command.digest,
        actor: command.actor,
        guard,
        events,
    }
}

/// Nothing is left to do: the stream began as the command wants it, so its first event is the answer.
fn answer_existing(lane: u8, state: &StreamState, command: Pending) {
    let Some(first) = state.first else {
        (command.reply)(Err(Refusal::Unavailable));
        return;
    };
    (command.reply)(Ok(Accepted {
        stream: command.stream,
        seq: first.seq,
        position: Position { lane, pos: first.pos },
        at: first.at,
        duplicate: first.command == command.id && !command.uncertain,
    }));
}
