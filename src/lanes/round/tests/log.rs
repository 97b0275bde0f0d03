//! A log in memory, which does what the real one may do: take a batch, refuse it, take it and not say so.

use super::super::*;
use crate::lanes::restless::Restless;
use crate::lanes::states::First;
use crate::lanes::{Accepted, Refusal};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tidings_domain::event::{GroupCreated, MessageSent};
use tidings_domain::{
    Command, Content, ConversationCommand, ConversationEvent, DigestKey, Emoji, GroupName, Message,
    MessageText, Reactions, Rules,
};
use tidings_eventlog::Position;

const RULES: Rules = Rules {
    versions: 3,
    reactions: 2,
    reactions_of_user: 2,
    edit_window: tidings_domain::Window::AnyTime,
    recall_window: tidings_domain::Window::AnyTime,
    attach_window: tidings_domain::Window::AnyTime,
};

pub(super) fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

/// All streams are on lane 0.
pub(super) fn conversation(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(n << 8))
}

pub(super) fn text(text: &str) -> Content {
    Content::Text {
        text: MessageText::parse(text).unwrap(),
    }
}

pub(super) fn send(words: &str) -> ConversationCommand {
    ConversationCommand::SendMessage(text(words).into())
}

pub(super) fn id(n: usize) -> Uuid {
    Uuid::from_u128(1000 + n as u128)
}

/// Where answers go.
pub(super) type Told = Arc<Mutex<BTreeMap<usize, Result<Accepted, Refusal>>>>;

pub(super) fn pending(
    order: usize,
    stream: u128,
    actor: u128,
    body: ConversationCommand,
    told: &Told,
) -> Pending {
    let told = Arc::clone(told);
    let command = StreamCommand::Conversation(Command {
        id: CommandId(id(order)),
        actor: user(actor),
        conversation: conversation(stream),
        body,
    });
    Pending {
        order,
        digest: command.digest(&DigestKey::new(b"a secret")),
        command,
        people: (0..10).map(user).collect(),
        rooms: vec![],
        original: None,
        regards: vec![],
        as_of: None,
        reply: Box::new(move |answer| {
            let before = told.lock().unwrap().insert(order, answer);
            assert!(before.is_none(), "a command is answered once");
        }),
        uncertain: false,
        looked_again: false,
        tried_at: None,
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Written {
    seq: u64,
    msg_no: u64,
    actor: UserId,
    command: Uuid,
    event: Event,
}

/// The log of one lane.
#[derive(Default)]
pub(super) struct Log(BTreeMap<Uuid, Vec<Written>>);

impl Log {
    /// Two groups of three, owned by the first.
    pub(super) fn new() -> Self {
        let mut log = Self::default();
        for stream in [1, 2] {
            let created = GroupCreated {
                name: GroupName::parse("friends").unwrap(),
                owner: user(1),
                members: vec![user(1), user(2), user(3)],
            };
            let event = ConversationEvent::GroupCreated(created).into();
            log.write(conversation(stream).0, user(1), Uuid::nil(), event);
        }
        log
    }

    pub(super) fn write(&mut self, stream: Uuid, actor: UserId, command: Uuid, event: Event) {
        let events = self.0.entry(stream).or_default();
        let countable = stored::encode(&event).0.is_countable();
        events.push(Written {
            seq: events.len() as u64 + 1,
            msg_no: events.last().map_or(0, |last| last.msg_no) + u64::from(countable),
            actor,
            command,
            event,
        });
    }

    fn written_by(&self, stream: Uuid, command: Uuid) -> Option<&Written> {
        let events = self.0.get(&stream)?;
        events.iter().rfind(|written| written.command == command)
    }

    fn state(&self, stream: Uuid) -> StreamState {
        let mut state = StreamState::default();
        for written in self.0.get(&stream).into_iter().flatten() {
            if stored::encode(&written.event).0.is_control_event(&written.event) {
                state.stream.evolve_at(&written.event, written.seq);
                state.guard = written.seq;
                state.first.get_or_insert(First {
                    command: written.command,
                    pos: 1,
                    seq: written.seq,
                    at: DateTime::UNIX_EPOCH,
                });
            }
        }
        state
    }

    pub(super) fn message(&self, stream: Uuid, id: Uuid, actor: UserId) -> Option<Message> {
        let events = self.0.get(&stream)?;
        let sent = |written: &&Written| match &written.event {
            Event::Conversation(ConversationEvent::MessageSent(MessageSent { content, .. })) => {
                (written.command == id).then(|| content.clone())
            }
            _ => None,
        };
        let (written, content) = events
            .iter()
            .find_map(|written| Some((written, sent(&written)?)))?;
        let mut message = Message {
            seq: written.seq,
            msg_no: written.msg_no,
            line: stored::encode(&written.event).0.line().unwrap(),
            sender: written.actor,
            at: DateTime::UNIX_EPOCH,
            content,
            versions: 1,
            recalled: false,
            forwarded: None,
            reactions: Reactions::default(),
        };
        let mut reactions: BTreeMap<(Emoji, UserId), bool> = BTreeMap::new();
        for written in events {
            let Event::Conversation(event) = &written.event else {
                continue;
            };
            match event {
                ConversationEvent::MessageEdited(edited) if edited.message == id => {
                    assert_eq!(edited.message_seq, message.seq);
                    message.versions += 1;
                    message.content = edited.content.clone();
                }
                ConversationEvent::MessageRecalled(recalled) if recalled.message == id => {
                    assert_eq!(
                        (recalled.message_seq, recalled.message_no),
                        (
                            message.seq,
                            if message.line.is_main() { message.msg_no } else { 0 }
                        )
                    );
                    message.recalled = true;
                }
                ConversationEvent::ReactionChanged(changed) if changed.message == id => {
                    assert_eq!(changed.message_seq, message.seq);
                    reactions.insert((changed.emoji.clone(), written.actor), changed.on);
                }
                _ => {}
            }
        }
        let on = |emoji: &Emoji, by: UserId| reactions.get(&(emoji.clone(), by)) == Some(&true);
        for ((emoji, by), is_on) in &reactions {
            if *is_on && on(emoji, *by) {
                message.reactions.add(emoji.clone(), actor, on(emoji, actor));
            }
        }
        Some(message)
    }

    pub(super) fn load(&self, pending: &[Pending]) -> (HashMap<Uuid, Loaded>, Facts) {
        let mut facts = Facts::under(RULES);
        let mut known = HashMap::new();
        for command in pending {
            let stream = command.stream();
            known.entry(stream).or_insert_with(|| Loaded {
                known: Known::State(Arc::new(self.state(stream))),
                fresh: true,
            });
            if let Some(beside) = command.command.beside() {
                known.entry(beside).or_insert_with(|| Loaded {
                    known: Known::State(Arc::new(self.state(beside))),
                    fresh: true,
                });
            }
            facts.add_users(command.people.iter().copied());
            for about in command.command.needs().filter_map(Need::message) {
                let Some(message) = self.message(stream, about, command.command.actor()) else {
                    continue;
                };
                facts.add_message(ConversationId(stream), about, message);
            }
        }
        (known, facts)
    }

    fn append(&mut self, round: &Round) {
        for proposal in &round.proposals {
            for event in &proposal.events {
                let event = stored::decode(event.kind, event.ver, &event.payload).unwrap();
                self.write(proposal.stream, UserId(proposal.actor), proposal.command, event);
            }
        }
    }

    fn accepted(&self, command: &Pending) -> Option<Accepted> {
        let written = self.written_by(command.stream(), command.id())?;
        Some(at(command.stream(), written.seq))
    }

    /// The answer to what finds nothing to do.
    fn last(&self, stream: Uuid) -> Accepted {
        at(stream, self.0[&stream].len() as u64)
    }

    pub(super) fn all(&self) -> Vec<(Uuid, Uuid, Event)> {
        let streams = self.0.iter();
        streams
            .flat_map(|(stream, events)| {
                let of = |written: &Written| (*stream, written.command, written.event.clone());
                events.iter().map(of).collect::<Vec<_>>()
            })
            .collect()
    }
}

/// What becomes of one batch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Taken,
    Lost,
    /// It is written, and the answer is lost.
    Untold,
    /// This conversation has moved on, if anything was decided on it.
    Moved(u128),
}

/// How many turns what stands aside has.
pub(super) const TURNS: u32 = 20;

/// Brings commands to their answers, as a lane does. Answers how many rounds it took.
pub(super) fn settle(
    log: &mut Log,
    mut pending: Vec<Pending>,
    mut fates: impl Iterator<Item = (Fate, usize)>,
) -> usize {
    let mut rounds = 0;
    let mut now = Instant::now();
    let mut restless = Restless::new(usize::MAX, now);
    loop {
        if pending.is_empty() {
            restless.end_turn(now);
            let Some(due) = restless.due() else {
                return rounds;
            };
            now = now.max(due);
            let (turn, late) = restless.begin_turn(now, Duration::from_secs(TURNS.into()));
            for command in late {
                Answer::Unavailable.give(command);
            }
            now += Duration::from_secs(1);
            pending = turn;
            continue;
        }
        rounds += 1;
        assert!(rounds < 1000, "every round settles something");
        pending.sort_by_key(|command| command.order);
        let (known, facts) = log.load(&pending);
        let (fate, commands) = fates.next().unwrap_or((Fate::Taken, usize::MAX));
        let room = Room {
            commands,
            bytes: usize::MAX,
        };
        let mut round = decide(pending, &known, facts, room);
        for (command, answer) in std::mem::take(&mut round.answered) {
            answer.give(command);
        }
        let moved = match fate {
            Fate::Moved(n) => Some(conversation(n).0),
            _ => None,
        };
        let doubtful = std::mem::take(&mut round.doubtful);
        let (again, doubtful): (Vec<_>, Vec<_>) = doubtful
            .into_iter()
            .partition(|(command, _)| Some(command.stream()) == moved);
        for (command, verdict) in doubtful {
            match (log.accepted(&command), verdict) {
                (Some(accepted), _) => (command.reply)(Ok(accepted)),
                (None, Verdict::Refused(rejection)) => (command.reply)(Err(rejection.into())),
                (None, Verdict::TooFast(retry_after)) => {
                    (command.reply)(Err(Refusal::TooFast { retry_after }));
                }
                (None, Verdict::Exists(answer)) => answer.give(command),
                (None, Verdict::Nothing) => {
                    let accepted = log.last(command.stream());
                    (command.reply)(Ok(accepted));
                }
            }
        }
        let on_it = |command: &Pending| Some(command.stream()) == moved;
        if !again.is_empty() || round.chosen.iter().any(on_it) {
            restless.note(moved.unwrap());
            let again = again.into_iter().map(|(command, _)| command);
            pending = restless.hold(round.rejoin(again.collect()));
            continue;
        }
        let repeats = |command: &Pending| log.accepted(command).is_some();
        if round.chosen.iter().any(repeats) {
            let (repeats, rest): (Vec<_>, Vec<_>) = round.chosen.into_iter().partition(repeats);
            for command in repeats {
                let accepted = log.accepted(&command).unwrap();
                (command.reply)(Ok(accepted));
            }
            pending = rest;
            pending.extend(round.later);
            continue;
        }
        match fate {
            Fate::Taken | Fate::Moved(_) => {
                log.append(&round);
                for command in round.chosen {
                    let accepted = log.accepted(&command).unwrap();
                    (command.reply)(Ok(accepted));
                }
                pending = round.later;
            }
            Fate::Lost => pending = round.rejoin(vec![]),
            Fate::Untold => {
                log.append(&round);
                pending = round.rejoin(vec![]);
            }
        }
    }
}

fn at(stream: Uuid, seq: u64) -> Accepted {
    Accepted {
        stream,
        seq,
        position: Position { lane: 0, pos: seq },
        at: DateTime::UNIX_EPOCH,
        duplicate: false,
        pending: false,
    }
}

/// A round without a limit to how fast conversations change.
pub(super) fn decide(
    pending: Vec<Pending>,
    known: &HashMap<Uuid, Loaded>,
    facts: Facts,
    room: Room,
) -> Round {
    let now = (DateTime::UNIX_EPOCH, Instant::now());
    Round::decide(0, pending, known, facts, room, &Paces::new(0, 0), now)
}
