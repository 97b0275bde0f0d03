//! Rounds against a log in memory, which does what the real one may do: take a batch, refuse it, take it and not say so.

use super::*;
use crate::lanes::states::First;
use crate::lanes::{Accepted, Refusal};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tidings_domain::event::{GroupCreated, MessageSent};
use tidings_domain::{
    Command, Content, ConversationCommand, ConversationEvent, DigestKey, Emoji, GroupName, Message, MessageText,
    Reactions, Rules, Stream, UserId,
};
use tidings_eventlog::Position;

const RULES: Rules = Rules {
    versions: 3,
    reactions: 2,
    reactions_of_user: 2,
    edit_window: tidings_domain::Window::AnyTime,
    recall_window: tidings_domain::Window::AnyTime,
};

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

/// All streams are on lane 0.
fn conversation(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(n << 8))
}

fn text(text: &str) -> Content {
    Content::Text {
        text: MessageText::parse(text).unwrap(),
    }
}

fn send(words: &str) -> ConversationCommand {
    ConversationCommand::SendMessage {
        content: text(words),
        reply_to: None,
        mentions: vec![],
    }
}

fn id(n: usize) -> Uuid {
    Uuid::from_u128(1000 + n as u128)
}

/// Where answers go.
type Told = Arc<Mutex<BTreeMap<usize, Result<Accepted, Refusal>>>>;

fn pending(order: usize, stream: u128, actor: u128, body: ConversationCommand, told: &Told) -> Pending {
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
        reply: Box::new(move |answer| {
            let before = told.lock().unwrap().insert(order, answer);
            assert!(before.is_none(), "a command is answered once");
        }),
        uncertain: false,
        looked_again: false,
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
struct Log(BTreeMap<Uuid, Vec<Written>>);

impl Log {
    /// Two groups of three, owned by the first.
    fn new() -> Self {
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

    fn write(&mut self, stream: Uuid, actor: UserId, command: Uuid, event: Event) {
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

    fn last(&self, stream: Uuid, command: Uuid) -> Option<&Written> {
        let events = self.0.get(&stream)?;
        events.iter().rfind(|written| written.command == command)
    }

    fn state(&self, stream: Uuid) -> StreamState {
        let mut state = StreamState::default();
        for written in self.0.get(&stream).into_iter().flatten() {
            if stored::encode(&written.event).0.is_control() {
                state.stream.evolve(&written.event);
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

    fn message(&self, stream: Uuid, id: Uuid, actor: UserId) -> Option<Message> {
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
            sender: written.actor,
            at: DateTime::UNIX_EPOCH,
            content,
            versions: 1,
            recalled: false,
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
                        (message.seq, message.msg_no)
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

    fn load(&self, pending: &[Pending]) -> (HashMap<Uuid, Loaded>, Facts) {
        let mut facts = Facts::under(RULES);
        let mut known = HashMap::new();
        for command in pending {
            let stream = command.stream();
            known.entry(stream).or_insert_with(|| Loaded {
                known: Known::State(Arc::new(self.state(stream))),
                fresh: true,
            });
            if let Some(need) = command.needs()
                && let Some(message) = self.message(stream, need.message, command.command.actor())
            {
                facts.add_message(ConversationId(stream), need.message, message);
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
        let last = self.last(command.stream(), command.id())?;
        Some(Accepted {
            stream: command.stream(),
            seq: last.seq,
            position: Position {
                lane: 0,
                pos: last.seq,
            },
            at: DateTime::UNIX_EPOCH,
            duplicate: false,
        })
    }

    fn all(&self) -> Vec<(Uuid, Uuid, Event)> {
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
enum Fate {
    Taken,
    Lost,
    /// It is written, and the answer is lost.
    Untold,
}

/// Brings commands to their answers, as a lane does. Answers how many rounds it took.
fn settle(log: &mut Log, mut pending: Vec<Pending>, mut fates: impl Iterator<Item = (Fate, usize)>) -> usize {
    let mut rounds = 0;
    while !pending.is_empty() {
        rounds += 1;
        assert!(rounds < 1000, "every round settles something");
        pending.sort_by_key(|command| command.order);
        let (known, facts) = log.load(&pending);
        let (fate, commands) = fates.next().unwrap_or((Fate::Taken, usize::MAX));
        let room = Room {
            commands,
            bytes: usize::MAX,
        };
        let mut round = Round::decide(0, pending, &known, facts, room, DateTime::UNIX_EPOCH);
        for (command, answer) in std::mem::take(&mut round.answered) {
            answer.give(command);
        }
        for (command, verdict) in std::mem::take(&mut round.doubtful) {
            match (log.accepted(&command), verdict) {
                (Some(accepted), _) => (command.reply)(Ok(accepted)),
                (None, Verdict::Refused(rejection)) => (command.reply)(Err(rejection.into())),
                (None, Verdict::Nothing) => {
                    let state = log.state(command.stream());
                    Answer::existing(0, &state, &command).give(command);
                }
            }
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
            Fate::Taken => {
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
    rounds
}

fn bodies(commands: usize) -> impl Strategy<Value = ConversationCommand> {
    let message = move || (0..commands).prop_map(id);
    let someone = || (1..5_u128).prop_map(user);
    prop_oneof![
        3 => Just(send("hi")),
        1 => message().prop_map(|message| ConversationCommand::SendMessage {
            content: text("re"),
            reply_to: Some(message),
            mentions: vec![],
        }),
        1 => someone().prop_map(|user| ConversationCommand::SendMessage {
            content: text("you"),
            reply_to: None,
            mentions: vec![user],
        }),
        3 => (message(), prop::sample::select(&["a", "b"][..])).prop_map(|(message, words)| {
            ConversationCommand::EditMessage { message, content: text(words) }
        }),
        1 => message().prop_map(|message| ConversationCommand::RecallMessage { message }),
        4 => (message(), prop::sample::select(&["👍", "👎", "❤"][..]), any::<bool>()).prop_map(|(message, emoji, on)| {
            ConversationCommand::React { message, emoji: Emoji::parse(emoji).unwrap(), on }
        }),
        1 => someone().prop_map(|user| ConversationCommand::AddMember { user }),
        1 => someone().prop_map(|user| ConversationCommand::RemoveMember { user }),
        1 => Just(ConversationCommand::Leave),
    ]
}

fn fates() -> impl Strategy<Value = Vec<(Fate, usize)>> {
    let fate = prop_oneof![3 => Just(Fate::Taken), 1 => Just(Fate::Lost), 1 => Just(Fate::Untold)];
    prop::collection::vec((fate, 1..8_usize), 0..12)
}

proptest! {
    /// However rounds fall, the log and the answers are those of one command after the other.
    #[test]
    fn commands_of_one_stream_take_effect_in_order(
        commands in (1..25_usize).prop_flat_map(|count| {
            prop::collection::vec((1..3_u128, 1..4_u128, bodies(count)), count)
        }),
        fates in fates(),
    ) {
        let (told, one_by_one) = (Told::default(), Told::default());
        let make = |told: &Told| -> Vec<Pending> {
            let each = commands.iter().cloned().enumerate();
            each.map(|(order, (stream, actor, body))| pending(order, stream, actor, body, told)).collect()
        };
        let mut log = Log::new();
        settle(&mut log, make(&told), fates.into_iter());
        let mut plain = Log::new();
        for command in make(&one_by_one) {
            settle(&mut plain, vec![command], std::iter::empty());
        }
        prop_assert_eq!(log.all(), plain.all());
        // What a repeat was told may say so, and nothing else differs.
        let plainly = |told: &Told| -> Vec<Result<u64, Refusal>> {
            let told = told.lock().unwrap();
            told.values().map(|answer| answer.clone().map(|accepted| accepted.seq)).collect()
        };
        prop_assert_eq!(plainly(&told), plainly(&one_by_one));
    }
}

/// All that is asked of the first group, by somebody, in one batch: how many rounds it takes, and what is answered.
fn at_once(bodies: &[(u128, ConversationCommand)]) -> (usize, Vec<bool>, Log) {
    let told = Told::default();
    let mut log = Log::new();
    let each = bodies.iter().cloned().enumerate();
    let commands = each
        .map(|(order, (actor, body))| pending(order, 1, actor, body, &told))
        .collect();
    let rounds = settle(&mut log, commands, std::iter::empty());
    let told = told.lock().unwrap();
    (rounds, told.values().map(Result::is_ok).collect(), log)
}

#[test]
fn a_reply_goes_with_its_message_and_what_needs_its_place_comes_right_behind() {
    let reply = ConversationCommand::SendMessage {
        content: text("re"),
        reply_to: Some(id(0)),
        mentions: vec![],
    };
    assert_eq!(at_once(&[(1, send("a")), (2, reply)]).0, 1);
    let edit = ConversationCommand::EditMessage {
        message: id(0),
        content: text("b"),
    };
    let (rounds, told, log) = at_once(&[(1, send("a")), (1, edit)]);
    assert_eq!((rounds, told), (2, vec![true, true]));
    assert_eq!(
        log.message(conversation(1).0, id(0), user(1)).unwrap().content,
        text("b")
    );
}

#[test]
fn many_reactions_to_one_message_go_in_one_batch() {
    let mut log = Log::new();
    let told = Told::default();
    let react = |emoji, on| ConversationCommand::React {
        message: id(0),
        emoji: Emoji::parse(emoji).unwrap(),
        on,
    };
    settle(
        &mut log,
        vec![pending(0, 1, 1, send("a"), &told)],
        std::iter::empty(),
    );
    let all = [
        (1, react("👍", true)),
        (2, react("👍", true)),
        (3, react("👎", true)),
        (1, react("👍", false)),
        (1, react("👎", true)),
    ];
    let commands = all.into_iter().enumerate();
    let commands = commands
        .map(|(n, (actor, body))| pending(n + 1, 1, actor, body, &told))
        .collect();
    assert_eq!(settle(&mut log, commands, std::iter::empty()), 1);
}

#[test]
fn what_comes_to_nothing_because_of_the_batch_is_asked_again_behind_it() {
    let leave = (2, ConversationCommand::Leave);
    let (rounds, told, _) = at_once(&[leave, (2, send("a")), (3, send("b"))]);
    // The third waits with the second, for both are of one stream.
    assert_eq!((rounds, told), (2, vec![true, false, true]));
}

#[test]
fn one_that_is_alone_is_the_culprit_and_otherwise_half_of_them_are_tried() {
    let told = Told::default();
    let mut chosen: Vec<Pending> = (0..5).map(|n| pending(n, 1, 1, send("a"), &told)).collect();
    let mut cap = 100;
    assert!(isolate(&mut chosen, &mut cap, 100).is_none());
    assert_eq!((chosen.len(), cap), (5, 2));
    chosen.truncate(1);
    let culprit = isolate(&mut chosen, &mut cap, 100);
    assert_eq!(
        (culprit.map(|one| one.order), chosen.len(), cap),
        (Some(0), 0, 100)
    );
}

#[test]
fn a_stream_that_cannot_be_read_hinders_no_other() {
    let told = Told::default();
    let log = Log::new();
    let commands = vec![
        pending(0, 1, 1, send("a"), &told),
        pending(1, 2, 1, send("b"), &told),
    ];
    let (mut known, facts) = log.load(&commands);
    known.insert(
        conversation(1).0,
        Loaded {
            known: Known::Unreadable,
            fresh: true,
        },
    );
    let room = Room {
        commands: 10,
        bytes: 1,
    };
    let round = Round::decide(0, commands, &known, facts, room, DateTime::UNIX_EPOCH);
    let answered: Vec<(usize, &Answer)> = round
        .answered
        .iter()
        .map(|(one, answer)| (one.order, answer))
        .collect();
    assert_eq!(answered, [(0, &Answer::Unavailable)]);
    assert_eq!(round.chosen.iter().map(|one| one.order).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_batch_ends_with_the_command_that_passes_its_bytes() {
    let told = Told::default();
    let log = Log::new();
    let commands: Vec<Pending> = (0..3).map(|n| pending(n, 1, 1, send("a"), &told)).collect();
    let (known, facts) = log.load(&commands);
    let one = stored::encode(&Event::from(ConversationEvent::MessageSent(MessageSent {
        content: text("a"),
        reply_to: None,
        mentions: vec![],
    })));
    let room = Room {
        commands: 10,
        bytes: one.2.len() + 1,
    };
    let round = Round::decide(0, commands, &known, facts, room, DateTime::UNIX_EPOCH);
    assert_eq!((round.chosen.len(), round.later.len()), (2, 1));
    assert_eq!(round.batch(0).len(), 2);
    assert!(matches!(
        known[&conversation(1).0].state().unwrap().stream,
        Stream::Conversation(_)
    ));
}

#[test]
fn what_is_so_or_cannot_be_because_of_the_batch_is_answered_behind_it() {
    let told = Told::default();
    let mut log = Log::new();
    let react = |emoji, on| ConversationCommand::React {
        message: id(0),
        emoji: Emoji::parse(emoji).unwrap(),
        on,
    };
    // All the room that there is is taken, by one person each.
    let begun = [(1, send("a")), (2, react("👍", true)), (3, react("👎", true))].into_iter();
    let begun = begun.enumerate();
    let begun = begun
        .map(|(n, (actor, body))| pending(n, 1, actor, body, &told))
        .collect();
    settle(&mut log, begun, std::iter::empty());
    // The same again is not acked before it is written, and who makes room in a batch makes it for those behind.
    for (order, second) in [(10, (2, react("👍", false))), (20, (1, react("❤", true)))] {
        let commands = vec![
            pending(order, 1, 2, react("👍", false), &told),
            pending(order + 1, 1, second.0, second.1, &told),
        ];
        let (known, facts) = log.load(&commands);
        let room = Room {
            commands: 10,
            bytes: usize::MAX,
        };
        let round = Round::decide(0, commands, &known, facts, room, DateTime::UNIX_EPOCH);
        assert_eq!(
            (round.chosen.len(), round.later.len(), round.doubtful.len()),
            (1, 1, 0)
        );
    }
}
