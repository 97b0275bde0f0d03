//! Commands to their answers: decided, confirmed, committed, and again until none is left.

use super::LaneTask;
use crate::lanes::facts::{self, Asked};
use crate::lanes::round::{Pending, Room, Round, Verdict, isolate};
use crate::lanes::slow::Looks;
use crate::lanes::states::{Found, Known, Loaded, catch_up, read};
use crate::lanes::{AsOf, Refusal};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::Facts;
use tidings_domain::stored::Kind;
use tidings_eventlog::{AppendError, Appended, Committed, Doubt, Outcome, ReadError, Repeat};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Why a batch could not be decided.
enum Trouble {
    Log(ReadError),
    /// What commands must know of messages did not come in time.
    Facts,
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::Log(error)
    }
}

impl LaneTask {
    /// Brings every command to an answer, or aside, where its stream has moved on meanwhile. What of their streams was read for them is in `fresh`.
    pub(super) async fn settle(&mut self, mut pending: Vec<Pending>, fresh: &mut HashMap<Uuid, Loaded>) {
        let mut deadline = Instant::now() + self.limits.patience;
        let mut pause = Duration::from_millis(20);
        self.cap = self.limits.batch_commands;
        self.looks = Looks::default();
        pending = self.restless.hold(pending);
        loop {
            pending.sort_by_key(|command| command.order);
            pending = self.refuse_lost(pending);
            pending = self.answers.recent(pending);
            pending = self.refuse_slow(pending);
            if pending.is_empty() {
                return;
            }
            let count = pending.len();
            let (some, others) = self.looks.part(pending);
            match self.round(some, fresh).await {
                Ok(mut rest) => {
                    rest.extend(others);
                    let rest = self.restless.hold(rest);
                    // What stands still for so long, without an error, does not come to an end by itself.
                    if rest.len() < count {
                        deadline = Instant::now() + self.limits.patience;
                    } else if Instant::now() >= deadline {
                        return self.give_up(rest, "nothing comes of it");
                    }
                    pending = rest;
                    pause = Duration::from_millis(20);
                }
                Err((mut rest, error)) => {
                    rest.extend(others);
                    if Instant::now() + pause >= deadline {
                        return self.give_up(rest, &error);
                    }
                    tracing::debug!(lane = self.lane, error, "trying a batch again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(500));
                    pending = rest;
                }
            }
        }
    }

    pub(super) fn give_up(&self, commands: Vec<Pending>, error: &str) {
        tracing::warn!(
            lane = self.lane,
            commands = commands.len(),
            error,
            "gave up on a batch"
        );
        metrics::counter!("tidings_lane_given_up_total").increment(commands.len() as u64);
        for command in commands {
            tracing::info!(command = %command.command.id(), "a command was given up");
            (command.reply)(Err(Refusal::Unavailable));
        }
    }

    /// Whether a command names seqs of a log that has gone back since, wherever that was, or may have: they name other events now. What
    /// names none means now what it meant then.
    fn is_lost(&self, command: &Pending) -> bool {
        command
            .as_of
            .is_some_and(|of| of != AsOf::now(&self.hub, &self.appender))
    }

    fn refuse_lost(&self, pending: Vec<Pending>) -> Vec<Pending> {
        let (lost, rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(|command| self.is_lost(command));
        for command in lost {
            (command.reply)(Err(Refusal::Unavailable));
        }
        rest
    }

    /// Refuses those that are about messages of which the log does not tell in time.
    fn refuse_slow(&self, pending: Vec<Pending>) -> Vec<Pending> {
        let now = Instant::now();
        let is_slow = |command: &Pending| {
            (self.looks.are_over() && command.about().is_some()) || self.slow_messages.has(command, now)
        };
        let (slow, rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(is_slow);
        for command in slow {
            (command.reply)(Err(Refusal::Unavailable));
        }
        rest
    }

    /// What these commands must know of messages did not come in time: fewer messages are asked for, until it is one that is known
    /// to take so long. Where the log tells nothing at all, it is no message's fault.
    async fn narrow(&mut self, pending: Vec<Pending>) -> Result<Vec<Pending>, (Vec<Pending>, String)> {
        metrics::counter!("tidings_lane_late_facts_total").increment(1);
        let told = timeout(self.limits.facts_wait, self.log.heads()).await;
        if !matches!(told, Ok(Ok(_))) {
            return Err((pending, "the log does not answer".to_owned()));
        }
        if !self.looks.narrow(&pending) {
            tracing::warn!(
                lane = self.lane,
                stream = ?pending.iter().find(|command| command.about().is_some()).map(Pending::stream),
                "what must be known of a message does not come in time"
            );
            self.slow_messages.note(&pending, Instant::now());
        }
        Ok(pending)
    }

    /// Decides once and commits once. Answers what is left to do, or with an error everything that is.
    async fn round(
        &mut self,
        pending: Vec<Pending>,
        fresh: &mut HashMap<Uuid, Loaded>,
    ) -> Result<Vec<Pending>, (Vec<Pending>, String)> {
        // Before anything is read: what takes effect behind that, and is in doubt no more, is looked for all the same.
        let in_doubt = pending.iter().map(Pending::id);
        let in_doubt = self.appender.in_doubt(self.lane, in_doubt);
        let streams = pending.iter().map(Pending::stream).collect();
        let beside = pending.iter().filter_map(|command| self.beside(command, fresh));
        let beside = beside.collect();
        let (known, facts) = match self.load(streams, beside, Asked::by(&pending), fresh).await {
            Ok(loaded) => loaded,
            Err(Trouble::Facts) => return self.narrow(pending).await,
            Err(Trouble::Log(error)) => return Err((pending, error.to_string())),
        };
        let room = Room {
            commands: self.cap,
            bytes: self.limits.batch_bytes,
        };
        let now = (crate::clock::now(), Instant::now());
        let mut round = Round::decide(self.lane, pending, &known, facts, room, &self.paces, now);
        for (command, answer) in std::mem::take(&mut round.answered) {
            answer.give(command);
        }
        self.end_lost(&mut round, &in_doubt).await;
        if !round.doubtful.is_empty() {
            let doubtful = std::mem::take(&mut round.doubtful);
            match self.confirm(doubtful, &known, &in_doubt).await {
                // Some state was old: what was decided on it steps aside, and everything else is decided again, in the old order.
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
        if self.at.epoch != decided_on || round.chosen.iter().any(|command| self.is_lost(command)) {
            return Ok(round.rejoin(vec![]));
        }
        let mut batch = round.batch(self.lane);
        batch.set_known(self.at);
        let began = Instant::now();
        let outcome = self.appender.append(&batch).await;
        metrics::histogram!("tidings_append_seconds").record(began.elapsed());
        // Who was answered has had the lane to themselves, and what was on its way before has come to its end.
        let uncertain = matches!(outcome, Err(AppendError::Unknown(_)));
        self.unsettled = uncertain || (self.unsettled && outcome.is_err());
        match outcome {
            Ok(Outcome::OtherTimeLine(at)) => {
                self.begin_again(at);
                self.hub.begin(at).await;
                Ok(round.rejoin(vec![]))
            }
            Ok(Outcome::Appended(appended)) => {
                let changed = round.overlays.into_keys();
                let before = changed.filter_map(|stream| Some((stream, known.get(&stream)?.known.clone())));
                self.committed(round.chosen, before.collect(), appended).await;
                Ok(round.later)
            }
            Ok(Outcome::Refused { repeats, stale }) => {
                for stream in stale {
                    self.states.stands_at(stream.stream, stream.guard);
                    self.restless.note(stream.stream);
                }
                let asked = joins(&round.chosen, &repeats);
                let repeats = match self.named(asked, repeats).await {
                    Ok(repeats) => repeats,
                    Err(error) => return Err((round.rejoin(vec![]), error.to_string())),
                };
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
                let mut rest = round.chosen;
                for command in &mut rest {
                    command.uncertain |= uncertain;
                }
                rest.append(&mut round.later);
                Err((rest, error.to_string()))
            }
        }
    }

    /// Repeats with what they were, as far as they are asked for.
    async fn named(
        &mut self,
        asked: Vec<(usize, (Uuid, Uuid))>,
        mut repeats: Vec<Repeat>,
    ) -> Result<Vec<Repeat>, ReadError> {
        if asked.is_empty() {
            return Ok(repeats);
        }
        let (places, asked): (Vec<usize>, Vec<_>) = asked.into_iter().unzip();
        for (index, doubt) in places.into_iter().zip(self.log.doubts(self.lane, &asked).await?) {
            repeats[index].kind = doubt.repeat.and_then(|repeat| repeat.kind);
        }
        Ok(repeats)
    }

    /// The stream that a command depends on beside its own, as far as that is known.
    fn beside(&self, command: &Pending, fresh: &HashMap<Uuid, Loaded>) -> Option<Uuid> {
        let beside = command.command.beside()?;
        let stream = command.stream();
        let known = fresh.get(&stream).map(|loaded| &loaded.known);
        match known.or_else(|| self.states.peek(stream)) {
            Some(Known::State(state)) => command.beside(&state.stream),
            Some(Known::Unreadable) => None,
            None => Some(beside),
        }
    }

    /// The states of commands' streams and what else they are decided on, in the time that one look into the log takes.
    async fn load(
        &mut self,
        mut streams: Vec<Uuid>,
        beside: HashSet<Uuid>,
        asked: Asked,
        fresh: &mut HashMap<Uuid, Loaded>,
    ) -> Result<(HashMap<Uuid, Loaded>, Facts), Trouble> {
        streams.extend(&beside);
        let Found {
            loaded: mut known,
            mut missing,
            behind,
        } = self.states.look_up(streams);
        missing.retain(|stream| {
            let Some(loaded) = fresh.remove(stream) else {
                return true;
            };
            known.insert(*stream, loaded);
            false
        });
        let facts = async {
            let loading = Box::pin(facts::load(&self.log, self.lane, self.limits.rules, asked));
            match timeout(self.limits.facts_wait, loading).await {
                Ok(Err(ReadError::Timeout(_))) | Err(_) => Err(Trouble::Facts),
                Ok(facts) => Ok(facts?),
            }
        };
        let (states, read_on, facts) = tokio::try_join!(
            async { Ok(Box::pin(read(&self.log, self.lane, &missing)).await?) },
            async { Ok(Box::pin(catch_up(&self.log, self.lane, behind)).await?) },
            facts,
        )?;
        self.keep_absent(&states, &beside);
        known.extend(self.take_in(states, true));
        known.extend(self.take_in(read_on, true));
        Ok((known, facts))
    }

    /// Most people are nothing to one another, and whoever writes to somebody asks for that each time: it is kept where it was asked for beside
    /// another stream.
    fn keep_absent(&mut self, states: &[(Uuid, Known)], beside: &HashSet<Uuid>) {
        for (stream, known) in states {
            if beside.contains(stream) {
                self.states.put(*stream, known.clone());
            }
        }
    }

    /// Ends the sessions that were lost while they appended what is doubtful now: they may carry it out yet. Where one does not end, which may take
    /// long, what it was sent steps aside, with what stands behind that.
    ///
    /// A command that no lost session was sent waits for none, also where a lost batch would change what it is refused for. Its refusal says what
    /// is so in the log by then. What is carried out later has its place behind that, and nobody was told before that it is done: its sender waits
    /// still, as does what stands behind it in its stream, or was told that nobody knows. What they send since may come before it then, as it does
    /// where they send the first again.
    async fn end_lost(&mut self, round: &mut Round, in_doubt: &HashSet<Uuid>) {
        let doubtful = round.doubtful.iter().map(|(command, _)| command.id());
        let doubtful: Vec<Uuid> = doubtful.filter(|id| in_doubt.contains(id)).collect();
        if doubtful.is_empty() {
            return;
        }
        if let Err(error) = self.appender.end_lost(self.lane, &doubtful).await {
            tracing::debug!(lane = self.lane, %error, "commands stand aside");
            let unsure = self.appender.in_doubt(self.lane, doubtful);
            for stream in round.hold_back(&unsure) {
                self.restless.rest(stream);
            }
        }
    }

    /// Makes sure of what appends nothing: a repeat of a command that took effect gets its first answer, and a verdict stands only
    /// when the state that it was made on is the newest, and what it says of a message was read after it was known to be no repeat:
    /// the message may have come by an attempt at another node. An attempt whose end nobody has seen is waited for. What was `in_doubt` before
    /// states were read is so no more, but may have taken effect since. Answers the commands to decide again.
    async fn confirm(
        &mut self,
        doubtful: Vec<(Pending, Verdict)>,
        known: &HashMap<Uuid, Loaded>,
        in_doubt: &HashSet<Uuid>,
    ) -> Result<Vec<Pending>, (Vec<Pending>, ReadError)> {
        // What has just been looked for and is not there is not worth another look.
        let beside = |command: &Pending| {
            let state = known.get(&command.stream()).and_then(Loaded::state)?;
            command.beside(&state.stream)
        };
        let absent = |command: &Pending| {
            let loaded = known.get(&command.stream());
            let beside = beside(command).map(|stream| known.get(&stream));
            !command.uncertain
                && !self.unsettled
                && !in_doubt.contains(&command.id())
                && loaded.is_some_and(|loaded| loaded.fresh && loaded.guard() == Some(0))
                && beside.is_none_or(|loaded| loaded.is_some_and(|loaded| loaded.fresh))
        };
        let (certain, doubtful): (Vec<_>, Vec<_>) =
            doubtful.into_iter().partition(|(command, _)| absent(command));
        for (command, verdict) in certain {
            self.answers.confirmed(command, verdict, None, self.at.head);
        }
        if doubtful.is_empty() {
            return Ok(vec![]);
        }
        let mut asked: Vec<(Uuid, Uuid)> = doubtful
            .iter()
            .map(|(command, _)| (command.stream(), command.id()))
            .collect();
        // What was decided on another stream, too, stands where that is so still.
        let others: Vec<Option<Uuid>> = doubtful.iter().map(|(command, _)| beside(command)).collect();
        let also = others.iter().zip(&doubtful);
        let also = also.filter_map(|(other, (command, _))| Some(((*other)?, command.id())));
        asked.extend(also.collect::<Vec<_>>());
        let found = if self.unsettled {
            self.log.doubts_behind_writers(self.lane, &asked).await
        } else {
            self.log.doubts(self.lane, &asked).await
        };
        let found = match found {
            Ok(found) => {
                self.unsettled = false;
                found
            }
            Err(error) => {
                let doubtful = doubtful.into_iter().map(|(command, _)| command).collect();
                return Err((doubtful, error));
            }
        };
        let mut found = found.into_iter();
        let doubts: Vec<Doubt> = found.by_ref().take(doubtful.len()).collect();
        let mut again = vec![];
        for (((mut command, verdict), doubt), other) in doubtful.into_iter().zip(doubts).zip(others) {
            let moved = other.is_some_and(|other| {
                let guard = found.next().map(|doubt| doubt.guard);
                self.states.stands_at(other, guard.unwrap_or_default());
                let moved = known.get(&other).and_then(Loaded::guard) != guard;
                if moved {
                    self.restless.note(other);
                }
                moved
            });
            let guard = known.get(&command.stream()).and_then(Loaded::guard);
            let needs_a_look = command.about().is_some() && !command.looked_again;
            if let Some(repeat) = doubt.repeat {
                self.answers.repeat(command, &repeat);
            } else if moved {
                again.push(command);
            } else if guard == Some(doubt.guard) && needs_a_look {
                command.looked_again = true;
                again.push(command);
            } else if guard == Some(doubt.guard) {
                self.answers.confirmed(command, verdict, doubt.last, self.at.head);
            } else {
                self.states.stands_at(command.stream(), doubt.guard);
                self.restless.note(command.stream());
                again.push(command);
            }
        }
        Ok(again)
    }

    /// A batch is durable: answers, remembers, and hands the events on. The states that it was decided on come along: what changed them is
    /// folded again now that it has a place, as every other node folds it.
    async fn committed(&mut self, chosen: Vec<Pending>, before: Vec<(Uuid, Known)>, appended: Appended) {
        self.answers.committed(chosen, &appended);
        let now = Instant::now();
        for (stream, mut known) in before {
            let controls = appended
                .events
                .iter()
                .filter(|event| event.stream == stream && event.control);
            for event in controls {
                known.follow(self.lane, event);
                // That it begins is no change.
                if event.seq > 1 && !Kind(event.kind).is_noted() {
                    self.paces.spend(stream, 1, now);
                }
            }
            if let Known::State(state) = &mut known
                && state.is_due()
            {
                Arc::make_mut(state).unkept = 0;
                self.keeper.offer(self.lane, stream, self.at.epoch, state);
            }
            self.states.put(stream, known);
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
}

/// The repeats whose answer depends on what they were: their places among `repeats`, and which they are.
fn joins(chosen: &[Pending], repeats: &[Repeat]) -> Vec<(usize, (Uuid, Uuid))> {
    let join = |(place, repeat): (usize, &Repeat)| {
        let command = chosen.get(repeat.proposal)?;
        let asked = (command.stream(), command.id());
        command.command.asks_to_join().then_some((place, asked))
    };
    repeats.iter().enumerate().filter_map(join).collect()
}
