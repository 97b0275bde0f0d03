//! Rounds against a log in memory.

mod log;

use self::log::{Fate, Log, TURNS, Told, conversation, decide, id, pending, send, settle, text, user};
use super::*;
use crate::lanes::{Accepted, Refusal};
use proptest::prelude::*;
use std::time::Duration;
use tidings_domain::event::{ReportEvent, ReportFiled, ReportHandled};
use tidings_domain::{
    ConversationCommand, ConversationEvent, Emoji, GroupName, Handling, InThread, PairCommand, Reason,
    ReportId, SendMessage, Stream, pair_of, reports_of,
};

fn reply(message: Uuid) -> ConversationCommand {
    ConversationCommand::SendMessage(SendMessage {
        reply_to: Some(message),
        ..text("re").into()
    })
}

fn bodies(commands: usize) -> impl Strategy<Value = ConversationCommand> {
    let message = move || (0..commands).prop_map(id);
    let someone = || (1..5_u128).prop_map(user);
    prop_oneof![
        3 => Just(send("hi")),
        1 => message().prop_map(reply),
        1 => someone().prop_map(|user| ConversationCommand::SendMessage(SendMessage {
            mentions: vec![user],
            ..text("you").into()
        })),
        2 => (message(), any::<bool>()).prop_map(|(root, also)| ConversationCommand::SendMessage(SendMessage {
            thread: Some(InThread { root, also }),
            ..text("below").into()
        })),
        3 => (message(), prop::sample::select(&["a", "b"][..])).prop_map(|(message, words)| {
            ConversationCommand::EditMessage { message, content: text(words) }
        }),
        1 => message().prop_map(|message| ConversationCommand::RecallMessage { message }),
        4 => (message(), prop::sample::select(&["👍", "👎", "❤️"][..]), any::<bool>()).prop_map(|(message, emoji, on)| {
            ConversationCommand::React { message, emoji: Emoji::parse(emoji).unwrap(), on }
        }),
        1 => someone().prop_map(|user| ConversationCommand::AddMember { user }),
        1 => someone().prop_map(|user| ConversationCommand::RemoveMember { user }),
        1 => Just(ConversationCommand::Leave),
    ]
}

fn fates() -> impl Strategy<Value = Vec<(Fate, usize)>> {
    let fate = prop_oneof![
        3 => Just(Fate::Taken),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Untold),
        2 => (1..3_u128).prop_map(Fate::Moved),
    ];
    prop::collection::vec((fate, 1..8_usize), 0..TURNS as usize)
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
        // What a repeat was told may say so, and what finds nothing to do is acked with the last event that its stream had just then.
        // Nothing else differs.
        let written: HashSet<Uuid> = log.all().into_iter().map(|(_, command, _)| command).collect();
        let plainly = |told: &Told| -> Vec<Result<Option<u64>, Refusal>> {
            let told = told.lock().unwrap();
            let each = told.iter();
            each.map(|(order, answer)| {
                let seq = |accepted: Accepted| written.contains(&id(*order)).then_some(accepted.seq);
                answer.clone().map(seq)
            })
            .collect()
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
    assert_eq!(at_once(&[(1, send("a")), (2, reply(id(0)))]).0, 1);
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
fn what_is_said_between_two_is_checked_by_what_they_are_to_one_another() {
    let told = Told::default();
    let mut log = Log::new();
    let open = || ConversationCommand::OpenDirect { user: user(2) };
    let pair = pair_of(conversation(7));
    let checks = |log: &Log, commands: Vec<Pending>| {
        let (known, facts) = log.load(&commands);
        let room = Room {
            commands: 10,
            bytes: usize::MAX,
        };
        decide(commands, &known, facts, room).checks
    };
    let opening = checks(&log, vec![pending(0, 7, 1, open(), &told)]);
    assert_eq!(opening, [(pair, 0)]);
    settle(
        &mut log,
        vec![pending(1, 7, 1, open(), &told)],
        std::iter::empty(),
    );
    // Groups are nobody's two.
    let said = [(2, 7), (3, 1)].map(|(order, stream)| pending(order, stream, 1, send("a"), &told));
    assert_eq!(checks(&log, said.into()), [(pair, 0)]);
}

/// What these come to, where nobody can be sure of the one at `unsure`, and the streams of that.
fn held_back(commands: Vec<Pending>, unsure: usize) -> (Round, HashSet<Uuid>) {
    let (known, facts) = Log::new().load(&commands);
    let room = Room {
        commands: 10,
        bytes: usize::MAX,
    };
    let mut round = decide(commands, &known, facts, room);
    assert!(round.later.is_empty());
    let streams = round.hold_back(&HashSet::from([id(unsure)]));
    assert_eq!(round.chosen.len(), round.proposals.len());
    (round, streams)
}

fn rename() -> ConversationCommand {
    ConversationCommand::Rename {
        name: GroupName::parse("others").unwrap(),
    }
}

#[test]
fn what_nobody_can_be_sure_of_holds_back_what_stands_behind_it_and_nothing_else() {
    let told = Told::default();
    let stranger = 9;
    let commands = vec![
        pending(0, 1, 1, send("a"), &told),
        pending(1, 1, stranger, send("a"), &told),
        pending(2, 1, stranger, send("a"), &told),
        pending(3, 2, stranger, send("a"), &told),
        pending(4, 1, 1, rename(), &told),
        pending(5, 2, 1, rename(), &told),
    ];
    let (round, streams) = held_back(commands, 2);
    assert_eq!(streams, HashSet::from([conversation(1).0]));
    assert_eq!(
        (orders(&round.chosen), orders(&round.later)),
        (vec![0, 5], vec![4, 2])
    );
    let doubtful = round.doubtful.iter().map(|(command, _)| command.order);
    assert_eq!(doubtful.collect::<Vec<_>>(), [1, 3]);
    let overlays: Vec<Uuid> = round.overlays.into_keys().collect();
    assert_eq!(overlays, [conversation(2).0]);
}

#[test]
fn what_is_said_between_two_waits_where_nobody_can_be_sure_what_they_are_to_one_another() {
    let told = Told::default();
    let pair = pair_of(conversation(7));
    // There is nothing to do.
    let unblock = StreamCommand::Pair {
        actor: user(1),
        user: user(2),
        id: CommandId(id(1)),
        pair,
        command: PairCommand::Block { on: false },
    };
    let commands = vec![
        pending(0, 7, 1, ConversationCommand::OpenDirect { user: user(2) }, &told),
        Pending {
            command: unblock,
            ..pending(1, 7, 1, send("a"), &told)
        },
        pending(2, 7, 1, send("a"), &told),
        pending(3, 2, 1, rename(), &told),
    ];
    let (round, streams) = held_back(commands, 1);
    assert_eq!(streams, HashSet::from([pair]));
    assert_eq!(
        (orders(&round.chosen), orders(&round.later)),
        (vec![0, 3], vec![2, 1])
    );
    assert!(round.doubtful.is_empty());
    assert_eq!(round.checks, [(pair, 0)]);
}

fn orders(commands: &[Pending]) -> Vec<usize> {
    commands.iter().map(|command| command.order).collect()
}

#[test]
fn what_was_reported_is_withheld_as_its_reports_stand() {
    let told = Told::default();
    let mut log = Log::new();
    settle(
        &mut log,
        vec![pending(0, 1, 1, send("a"), &told)],
        std::iter::empty(),
    );
    let (group, message, report) = (conversation(1), id(0), ReportId(id(9)));
    let reason = Reason::parse("an address").unwrap();
    let reports = reports_of(group, message);
    let filed = ReportFiled {
        report,
        by: user(2),
        conversation: group,
        message,
        sender: user(1),
        reason: reason.clone(),
        note: None,
        versions: 1,
    };
    log.write(reports, user(2), id(9), Event::Report(ReportEvent::Filed(filed)));
    let decided = |log: &Log| {
        let body = ConversationCommand::Withhold {
            message,
            report,
            reason: reason.clone(),
        };
        let commands = vec![pending(1, 1, 3, body, &told)];
        let (known, facts) = log.load(&commands);
        let room = Room {
            commands: 10,
            bytes: usize::MAX,
        };
        decide(commands, &known, facts, room)
    };
    let round = decided(&log);
    assert_eq!((round.chosen.len(), round.checks), (1, vec![(reports, 1)]));
    let handled = ReportHandled {
        report,
        by: user(3),
        action: Handling::Dismiss,
        note: None,
    };
    log.write(
        reports,
        user(3),
        id(10),
        Event::Report(ReportEvent::Handled(handled)),
    );
    let round = decided(&log);
    assert_eq!((round.chosen.len(), round.doubtful.len()), (0, 1));
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
    let round = decide(commands, &known, facts, room);
    let answered: Vec<(usize, &Answer)> = round
        .answered
        .iter()
        .map(|(one, answer)| (one.order, answer))
        .collect();
    assert_eq!(answered, [(0, &Answer::Unavailable)]);
    assert_eq!(round.chosen.iter().map(|one| one.order).collect::<Vec<_>>(), [1]);
}

#[test]
fn what_is_about_a_message_that_cannot_be_read_is_for_a_newer_node_and_hinders_nothing() {
    let told = Told::default();
    let log = Log::new();
    let edit = ConversationCommand::EditMessage {
        message: id(9),
        content: text("b"),
    };
    let commands = vec![
        pending(0, 1, 1, edit, &told),
        // To answer it, it is enough that it is there.
        pending(1, 1, 2, reply(id(9)), &told),
        pending(2, 1, 1, send("a"), &told),
    ];
    let (known, mut facts) = log.load(&commands);
    facts.add_unreadable(conversation(1), id(9));
    let room = Room {
        commands: 10,
        bytes: usize::MAX,
    };
    let round = decide(commands, &known, facts, room);
    let answered: Vec<(usize, &Answer)> = round
        .answered
        .iter()
        .map(|(one, answer)| (one.order, answer))
        .collect();
    assert_eq!(answered, [(0, &Answer::Unavailable)]);
    let chosen: Vec<usize> = round.chosen.iter().map(|one| one.order).collect();
    assert_eq!(chosen, [1, 2]);
}

#[test]
fn who_begins_a_conversation_again_is_answered_with_its_beginning() {
    let told = Told::default();
    let mut log = Log::new();
    let open = ConversationCommand::OpenDirect { user: user(2) };
    let commands = vec![pending(0, 1, 1, send("a"), &told), pending(1, 1, 1, open, &told)];
    let (known, facts) = log.load(&commands);
    let room = Room {
        commands: 10,
        bytes: usize::MAX,
    };
    let round = decide(commands, &known, facts, room);
    assert!(round.answered.is_empty() && round.later.is_empty());
    // Where the log says so, too.
    let [(open, Verdict::Exists(Answer::Accepted(accepted)))] = &round.doubtful[..] else {
        panic!("{:?}", round.doubtful.len())
    };
    assert_eq!((open.order, accepted.seq, accepted.duplicate), (1, 1, false));
    // What is so already may be so by this very command: that is asked of the log.
    settle(
        &mut log,
        vec![pending(2, 1, 1, send("a"), &told)],
        std::iter::empty(),
    );
    let react = ConversationCommand::React {
        message: id(2),
        emoji: Emoji::parse("👍").unwrap(),
        on: false,
    };
    let commands = vec![pending(3, 1, 1, react, &told)];
    let (known, facts) = log.load(&commands);
    let round = decide(commands, &known, facts, room);
    let doubtful: Vec<&Verdict> = round.doubtful.iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(doubtful, [&Verdict::Nothing]);
}

#[test]
fn a_batch_ends_with_the_command_that_passes_its_bytes() {
    let told = Told::default();
    let log = Log::new();
    let commands: Vec<Pending> = (0..3).map(|n| pending(n, 1, 1, send("a"), &told)).collect();
    let (known, facts) = log.load(&commands);
    let one = stored::encode(&Event::from(ConversationEvent::MessageSent(text("a").into())));
    let room = Room {
        commands: 10,
        bytes: one.2.len() + 1,
    };
    let round = decide(commands, &known, facts, room);
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
    for (order, second) in [(10, (2, react("👍", false))), (20, (1, react("❤️", true)))] {
        let commands = vec![
            pending(order, 1, 2, react("👍", false), &told),
            pending(order + 1, 1, second.0, second.1, &told),
        ];
        let (known, facts) = log.load(&commands);
        let room = Room {
            commands: 10,
            bytes: usize::MAX,
        };
        let round = decide(commands, &known, facts, room);
        assert_eq!(
            (round.chosen.len(), round.later.len(), round.doubtful.len()),
            (1, 1, 0)
        );
    }
}

#[test]
fn a_conversation_that_other_nodes_change_holds_up_nobody_elses() {
    let said = |told: &Told| -> Vec<Pending> {
        let each = [(1, "a"), (2, "b"), (1, "c"), (2, "d")].into_iter().enumerate();
        each.map(|(order, (stream, words))| pending(order, stream, 1, send(words), told))
            .collect()
    };
    // Once: the others' batch is the next, and then comes its own.
    let (told, mut log) = (Told::default(), Log::new());
    let once = std::iter::once((Fate::Moved(1), usize::MAX));
    assert_eq!(settle(&mut log, said(&told), once), 3);
    assert!(told.lock().unwrap().values().all(Result::is_ok));
    let (told, mut log) = (Told::default(), Log::new());
    let always = std::iter::repeat((Fate::Moved(1), usize::MAX));
    settle(&mut log, said(&told), always);
    let told = told.lock().unwrap();
    let done: Vec<bool> = told.values().map(Result::is_ok).collect();
    assert_eq!(done, [false, true, false, true]);
    assert!(matches!(told[&0], Err(Refusal::Unavailable)));
}

#[test]
fn a_conversation_that_changes_too_fast_waits_and_its_messages_do_not() {
    let told = Told::default();
    let log = Log::new();
    let rename = |name: &str| ConversationCommand::Rename {
        name: GroupName::parse(name).unwrap(),
    };
    let commands = vec![
        pending(0, 1, 1, rename("a"), &told),
        pending(1, 1, 1, rename("b"), &told),
        pending(2, 1, 1, rename("c"), &told),
        pending(3, 1, 1, send("a"), &told),
        pending(4, 2, 1, rename("c"), &told),
    ];
    let (known, facts) = log.load(&commands);
    let room = Room {
        commands: 10,
        bytes: usize::MAX,
    };
    let (mut paces, now) = (Paces::new(1, 3), Instant::now());
    paces.spend(conversation(1).0, 1, now);
    let now = (DateTime::UNIX_EPOCH, now);
    let round = Round::decide(0, commands, &known, facts, room, &paces, now);
    let chosen: Vec<usize> = round.chosen.iter().map(|one| one.order).collect();
    assert_eq!(chosen, [0, 1, 3, 4]);
    let doubtful: Vec<(usize, &Verdict)> = round
        .doubtful
        .iter()
        .map(|(one, verdict)| (one.order, verdict))
        .collect();
    assert_eq!(doubtful, [(2, &Verdict::TooFast(Duration::from_secs(1)))]);
}

#[test]
fn what_comes_with_the_beginning_of_a_conversation_is_not_too_fast() {
    let told = Told::default();
    let log = Log::new();
    let create = ConversationCommand::CreateGroup {
        name: GroupName::parse("a").unwrap(),
        members: vec![user(2)],
    };
    let rename = |order, name: &str| {
        let name = GroupName::parse(name).unwrap();
        pending(order, 7, 1, ConversationCommand::Rename { name }, &told)
    };
    let commands = vec![
        pending(0, 7, 1, create, &told),
        rename(1, "b"),
        rename(2, "c"),
        rename(3, "d"),
    ];
    let (known, facts) = log.load(&commands);
    let room = Room {
        commands: 10,
        bytes: usize::MAX,
    };
    let now = (DateTime::UNIX_EPOCH, Instant::now());
    let round = Round::decide(0, commands, &known, facts, room, &Paces::new(1, 3), now);
    let chosen: Vec<usize> = round.chosen.iter().map(|one| one.order).collect();
    assert_eq!(chosen, [0, 1, 2, 3]);
}

#[test]
fn who_names_somebody_who_does_not_exist_is_refused_behind_what_else_is_wrong() {
    let told = Told::default();
    let log = Log::new();
    let add = |order, actor, n| {
        let add = ConversationCommand::AddMember { user: user(n) };
        let mut command = pending(order, 1, actor, add, &told);
        command.people.retain(|user| user.0.as_u128() != 9);
        command
    };
    let (known, facts) = log.load(&[add(0, 1, 9), add(1, 2, 9), add(2, 1, 8)]);
    let room = Room {
        commands: 10,
        bytes: usize::MAX,
    };
    let commands = vec![add(0, 1, 9), add(1, 2, 9), add(2, 1, 8)];
    let round = decide(commands, &known, facts, room);
    let refused: Vec<(usize, &Verdict)> = round
        .doubtful
        .iter()
        .map(|(one, verdict)| (one.order, verdict))
        .collect();
    let unknown = Verdict::Refused(Rejection::NotFound(tidings_domain::Field::User));
    assert_eq!(refused[0], (0, &unknown));
    assert!(matches!(
        refused[1],
        (1, Verdict::Refused(Rejection::Forbidden(_)))
    ));
    assert_eq!(round.chosen.len(), 1);
}
