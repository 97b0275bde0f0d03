//! One round of decisions: which commands go into the next batch, which wait, which are in doubt. Pure: states, facts, the
//! time and limits come in.

use super::answers::Answer;
use super::pace::Paces;
use super::states::{Known, Loaded, StreamState};
use super::{AsOf, Reply};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tidings_domain::{
    CommandId, ConversationId, Event, Facts, Need, Original, Pair, Regard, Rejection, Reports, Stream,
    StreamCommand, UserId, stored,
};
use tidings_eventlog::{Batch, NewEvent, Proposal};
use tokio::time::Instant;
use uuid::Uuid;

/// A command on its way.
pub(super) struct Pending {
    /// Place in the order queued.
    pub(super) order: usize,
    pub(super) command: StreamCommand,
    pub(super) digest: i64,
    /// Those of the people whom it names who exist.
    pub(super) people: Vec<UserId>,
    /// Those who may be put into few conversations more, and how many.
    pub(super) rooms: Vec<(UserId, u32)>,
    /// What it forwards, if it does and the actor may see that.
    pub(super) original: Option<Original>,
    /// What its actor is to those whom it wants something of, and how many others they have to do with.
    pub(super) regards: Vec<(UserId, Regard)>,
    /// When the seqs that it names were found, if it names any.
    pub(super) as_of: Option<AsOf>,
    pub(super) reply: Reply,
    /// It was in a batch whose fate is unknown, so finding it in the log may just mean that it got there.
    pub(super) uncertain: bool,
    /// What it needs has been read since the log was asked whether it is a repeat.
    pub(super) looked_again: bool,
    /// When the first turn ended that it had behind all others, if its stream has moved on in that, too.
    pub(super) tried_at: Option<Instant>,
}

#[cfg(test)]
impl Pending {
    /// A command that needs nothing and tells nobody, with an id that follows from its place.
    pub(super) fn plain(order: usize, conversation: u128, body: tidings_domain::ConversationCommand) -> Self {
        Self {
            order,
            command: StreamCommand::Conversation(tidings_domain::Command {
                id: CommandId(Uuid::from_u128(order as u128)),
                actor: UserId(Uuid::nil()),
                conversation: ConversationId(Uuid::from_u128(conversation)),
                body,
            }),
            digest: 0,
            people: vec![],
            rooms: vec![],
            original: None,
            regards: vec![],
            as_of: None,
            reply: Box::new(|_| {}),
            uncertain: false,
            looked_again: false,
            tried_at: None,
        }
    }
}

impl Pending {
    pub(super) fn stream(&self) -> Uuid {
        self.command.stream()
    }

    pub(super) fn id(&self) -> Uuid {
        self.command.id()
    }

    pub(super) fn actor(&self) -> Uuid {
        self.command.actor().0
    }

    /// The stream that it depends on beside its own, whose state is `conversation`.
    pub(super) fn beside(&self, conversation: &Stream) -> Option<Uuid> {
        let beside = self.command.beside()?;
        let depends = !self.command.meets() || conversation.is_direct() || self.command.opens();
        depends.then_some(beside)
    }

    /// The message of its stream that it must know something of; the first, where there are two.
    pub(super) fn about(&self) -> Option<Uuid> {
        self.command.needs().find_map(Need::message)
    }
}

/// The stream that a command depends on beside its own, as a round finds it.
#[derive(Clone, Copy)]
struct Beside {
    stream: Uuid,
    guard: u64,
    /// By what stands before in the batch.
    moved: bool,
}

/// What a decision came to that appends nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All is as the command wants it.
    Nothing,
    Refused(Rejection),
    /// The conversation changes too fast. It is let through after so long.
    TooFast(Duration),
    /// The stream began as the command wants it, which this says.
    Exists(Answer),
}

/// How much goes into one batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) commands: usize,
    /// Of payload; the event that passes it is the last one.
    pub(super) bytes: usize,
}

/// What one round of decisions came to.
pub(super) struct Round {
    /// What the batch holds: the decisions about `chosen`, in order.
    pub(super) proposals: Vec<Proposal>,
    /// Streams that must stand as they do here beside those that are written to, with their guards.
    pub(super) checks: Vec<(Uuid, u64)>,
    pub(super) chosen: Vec<Pending>,
    /// Not decided yet: they wait for the outcome of others in this batch, or the batch is full.
    pub(super) later: Vec<Pending>,
    /// Decided on what may be old, or perhaps a repeat of what is in the log: to be confirmed.
    pub(super) doubtful: Vec<(Pending, Verdict)>,
    /// Nothing is left to be found out about them.
    pub(super) answered: Vec<(Pending, Answer)>,
    /// States as they are once the batch is committed.
    pub(super) overlays: HashMap<Uuid, StreamState>,
}

impl Round {
    /// Decides commands in their order, each on what those before it have changed. A command of a stream that waits makes those
    /// behind it wait too, so that a stream's commands take effect in order however rounds fall.
    pub(super) fn decide(
        lane: u8,
        pending: Vec<Pending>,
        known: &HashMap<Uuid, Loaded>,
        mut facts: Facts,
        room: Room,
        paces: &Paces,
        (now, moment): (DateTime<Utc>, Instant),
    ) -> Self {
        let mut round = Self {
            proposals: Vec::with_capacity(pending.len()),
            checks: vec![],
            chosen: Vec::with_capacity(pending.len()),
            later: vec![],
            doubtful: vec![],
            answered: vec![],
            overlays: HashMap::new(),
        };
        let mut ids = HashSet::with_capacity(pending.len());
        let mut waiting: HashSet<Uuid> = HashSet::new();
        let mut changes: HashMap<Uuid, u32> = HashMap::new();
        let mut bytes = 0;
        for command in pending {
            let stream = command.stream();
            let full = round.chosen.len() >= room.commands || bytes >= room.bytes;
            let waits = full || waiting.contains(&stream) || !ids.insert(command.id());
            if waits || is_early(&command, &facts) {
                waiting.insert(stream);
                round.later.push(command);
                continue;
            }
            let Some(Known::State(cached)) = known.get(&stream).map(|loaded| &loaded.known) else {
                round.answered.push((command, Answer::Unavailable));
                continue;
            };
            if is_unreadable(&command, &facts) {
                round.answered.push((command, Answer::Unavailable));
                continue;
            }
            let beside = match round.beside(&command, &cached.stream, known, &mut facts) {
                Ok(beside) => beside,
                Err(answer) => {
                    round.answered.push((command, answer));
                    continue;
                }
            };
            let overlay = round.overlays.get(&stream);
            let state = overlay.unwrap_or(cached);
            // Whether what stands before in this batch may be why nothing comes of it. Then the log must say first that it is so.
            let moved = overlay.is_some()
                || beside.is_some_and(|beside| beside.moved)
                || command
                    .about()
                    .is_some_and(|message| facts.is_touched(ConversationId(stream), message));
            match state.stream.decide(&command.command, &facts, now) {
                Ok(events) if !events.is_empty() => {
                    let proposal = propose(&command, state.guard, &events);
                    let changes_it = proposal.events.iter().any(|event| event.control);
                    if state.guard > 0 && changes_it && !command.command.is_urgent() {
                        let before = changes.entry(stream).or_default();
                        if let Some(wait) = paces.wait(stream, *before, moment) {
                            // It may be a repeat of what was let through.
                            round.doubtful.push((command, Verdict::TooFast(wait)));
                            continue;
                        }
                        *before += 1;
                    }
                    round
                        .checks
                        .extend(beside.map(|beside| (beside.stream, beside.guard)));
                    bytes += round.choose(command, proposal, &events, cached, &mut facts);
                }
                _ if moved => {
                    waiting.insert(stream);
                    round.later.push(command);
                }
                Err(rejection) => round.doubtful.push((command, Verdict::Refused(rejection))),
                Ok(_) if command.command.opens() => {
                    let verdict = Verdict::Exists(Answer::existing(lane, state, &command));
                    round.doubtful.push((command, verdict));
                }
                // What did it may have been this very command.
                Ok(_) => round.doubtful.push((command, Verdict::Nothing)),
            }
        }
        round
    }

    /// The stream that the command depends on beside its own. What it tells is among the facts then: what two people are to one another, for a
    /// command to their conversation or one that opens it, or what was reported of a message.
    fn beside(
        &self,
        command: &Pending,
        conversation: &Stream,
        known: &HashMap<Uuid, Loaded>,
        facts: &mut Facts,
    ) -> Result<Option<Beside>, Answer> {
        let Some(stream) = command.beside(conversation) else {
            facts.set_pair(Pair::default());
            facts.set_reports(Reports::default());
            return Ok(None);
        };
        let Some(Known::State(cached)) = known.get(&stream).map(|loaded| &loaded.known) else {
            return Err(Answer::Unavailable);
        };
        let overlay = self.overlays.get(&stream);
        let state = &overlay.unwrap_or(cached).stream;
        facts.set_pair(state.pair().copied().unwrap_or_default());
        facts.set_reports(state.reports().cloned().unwrap_or_default());
        Ok(Some(Beside {
            stream,
            guard: cached.guard,
            moved: overlay.is_some(),
        }))
    }

    /// Answers how many bytes of payload that takes.
    fn choose(
        &mut self,
        command: Pending,
        proposal: Proposal,
        events: &[Event],
        cached: &StreamState,
        facts: &mut Facts,
    ) -> usize {
        let stream = command.stream();
        if proposal.events.iter().any(|event| event.control) {
            let overlay = self
                .overlays
                .entry(stream)
                .or_insert_with(|| StreamState::clone(cached));
            for event in events {
                overlay.stream.evolve(event);
            }
        }
        let (actor, id) = (command.command.actor(), CommandId(command.id()));
        for event in events {
            if let Event::Conversation(event) = event {
                facts.evolve(ConversationId(stream), actor, id, event);
            }
        }
        let bytes = proposal.events.iter().map(|event| event.payload.len()).sum();
        self.proposals.push(proposal);
        self.chosen.push(command);
        bytes
    }

    /// The batch as the log takes it.
    pub(super) fn batch(&self, lane: u8) -> Batch {
        let mut batch = Batch::new(lane);
        for proposal in &self.proposals {
            batch.push(proposal);
        }
        for (stream, guard) in &self.checks {
            batch.check(*stream, *guard);
        }
        batch
    }

    /// Has those of the doubtful ones wait for another round that are among `unsure`, and with each of them what stands behind it in its stream, or
    /// behind it and depends on that stream, and so on: batch and answers go without them. Returns the streams of those that are unsure.
    pub(super) fn hold_back(&mut self, unsure: &HashSet<Uuid>) -> HashSet<Uuid> {
        let doubtful = self.doubtful.iter().map(|(command, _)| command);
        let mut in_order: Vec<&Pending> = self.chosen.iter().chain(doubtful).collect();
        in_order.sort_by_key(|command| command.order);
        let (mut unsure_streams, mut streams, mut held) = (HashSet::new(), HashSet::new(), HashSet::new());
        for command in in_order {
            let stream = command.stream();
            let is_unsure = unsure.contains(&command.id());
            if is_unsure {
                unsure_streams.insert(stream);
            }
            let mut depends = std::iter::once(stream).chain(command.command.beside());
            if is_unsure || depends.any(|stream| streams.contains(&stream)) {
                streams.insert(stream);
                held.insert(command.order);
            }
        }
        let (mut written, mut beside) = (HashSet::new(), HashSet::new());
        let proposals = std::mem::take(&mut self.proposals);
        for (command, proposal) in std::mem::take(&mut self.chosen).into_iter().zip(proposals) {
            if held.contains(&command.order) {
                self.later.push(command);
                continue;
            }
            if proposal.events.iter().any(|event| event.control) {
                written.insert(command.stream());
            }
            beside.extend(command.command.beside());
            self.chosen.push(command);
            self.proposals.push(proposal);
        }
        self.checks.retain(|(stream, _)| beside.contains(stream));
        // Behind this it only matters which streams are changed.
        self.overlays.retain(|stream, _| written.contains(stream));
        for (command, verdict) in std::mem::take(&mut self.doubtful) {
            if held.contains(&command.order) {
                self.later.push(command);
            } else {
                self.doubtful.push((command, verdict));
            }
        }
        unsure_streams
    }

    /// Everything that is not answered yet, with `again` that is to be decided anew.
    pub(super) fn rejoin(self, mut again: Vec<Pending>) -> Vec<Pending> {
        let mut rest = self.chosen;
        rest.append(&mut again);
        rest.extend(self.later);
        rest
    }
}

/// Whether a command is about a message that this batch makes, whose place is not known before it is written.
fn is_early(command: &Pending, facts: &Facts) -> bool {
    let conversation = ConversationId(command.stream());
    command
        .command
        .needs()
        .any(|need| facts.is_coming(conversation, need))
}

/// Whether a command is about a message that this version cannot read. A newer node can.
fn is_unreadable(command: &Pending, facts: &Facts) -> bool {
    let conversation = ConversationId(command.stream());
    command
        .command
        .needs()
        .any(|need| facts.is_unreadable(conversation, need))
}

/// The log refuses something in a batch for good. The culprit must not take the others with it: a command that was alone is the
/// culprit and comes back, and otherwise the next batch, of `cap` commands, is half of this one.
pub(super) fn isolate(chosen: &mut Vec<Pending>, cap: &mut usize, most: usize) -> Option<Pending> {
    if chosen.len() == 1 {
        *cap = most;
        return chosen.pop();
    }
    *cap = (chosen.len() / 2).max(1);
    None
}

fn propose(command: &Pending, guard: u64, events: &[Event]) -> Proposal {
    let events = events
        .iter()
        .map(|event| {
            let (kind, ver, payload) = stored::encode(event);
            NewEvent {
                kind: kind.0,
                ver,
                control: kind.is_control_event(event),
                countable: kind.is_countable(),
                payload: Bytes::from(payload),
            }
        })
        .collect();
    Proposal {
        stream: command.stream(),
        command: command.id(),
        digest: command.digest,
        actor: command.actor(),
        guard,
        events,
    }
}

#[cfg(test)]
mod tests;
