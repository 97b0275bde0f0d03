use crate::harness::*;
use chrono::DateTime;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tidings_domain::event::{GroupSettingsChanged, MemberAdded, MemberRemoved, Registered};
use tidings_domain::{
    Command, CommandId, Conversation, ConversationCommand, ConversationEvent, Event, Facts, Field, History,
    InThread, Line, Message, Rejection, Role, Rules, SendMessage, SettingsChange, Stream, UserEvent,
};
use uuid::Uuid;

fn turn(history: History) -> SettingsChange {
    SettingsChange {
        history: Some(history),
        ..SettingsChange::default()
    }
}

fn turned(history: History) -> ConversationEvent {
    ConversationEvent::GroupSettingsChanged(GroupSettingsChanged {
        settings: turn(history),
    })
}

/// These events, from seq 1 on.
fn placed(events: &[ConversationEvent]) -> Conversation {
    let mut state = Conversation::default();
    for (seq, event) in (1..).zip(events) {
        state.evolve_at(event, seq);
    }
    state
}

/// What a group comes to that began with Ann, Ben and Cat.
fn after(events: &[ConversationEvent]) -> Conversation {
    placed(&[group(), events.to_vec()].concat())
}

fn command(actor: u128, body: ConversationCommand) -> Command {
    Command {
        id: COMMAND,
        actor: user(actor),
        conversation: CONVERSATION,
        body,
    }
}

fn decide(
    state: &Conversation,
    facts: &Facts,
    actor: u128,
    body: ConversationCommand,
) -> Result<Vec<ConversationEvent>, Rejection> {
    state.decide(&command(actor, body), facts, DateTime::UNIX_EPOCH)
}

fn reply_to(message: Uuid) -> ConversationCommand {
    ConversationCommand::SendMessage(SendMessage {
        reply_to: Some(message),
        ..text("hi").into()
    })
}

#[test]
fn all_history_is_for_all_unless_the_group_says_otherwise() {
    let state = after(&[added(DAN)]);
    for n in [ANN, BEN, CAT, DAN] {
        assert_eq!(state.visible_from(user(n)), Some(1));
    }
    assert_eq!(state.visible_from(user(50)), None);
    assert_eq!(placed(&direct()).visible_from(user(BEN)), Some(1));
    assert_eq!(state.settings().history, History::Shared);
}

#[test]
fn newcomers_see_what_is_sent_from_their_joining_on_and_those_who_were_there_see_all() {
    let state = after(&[turned(History::Joined), say_event(), added(DAN)]);
    assert_eq!(state.visible_from(user(DAN)), Some(4));
    assert_eq!(state.visible_from(user(BEN)), Some(1));
}

#[test]
fn what_was_said_while_newcomers_did_not_see_it_stays_unseen_when_they_see_all_again() {
    let shared_again = [
        turned(History::Joined),
        added(DAN),
        turned(History::Shared),
        say_event(),
        added(50),
    ];
    let state = after(&shared_again);
    assert_eq!(state.visible_from(user(50)), Some(5));
    // Nothing comes to those who were there before.
    assert_eq!(state.visible_from(user(DAN)), Some(3));
}

#[test]
fn who_comes_back_is_a_newcomer() {
    for gone in [
        left(BEN),
        ConversationEvent::MemberRemoved(MemberRemoved { user: user(BEN) }),
    ] {
        let state = after(&[turned(History::Joined), gone.clone(), say_event(), added(BEN)]);
        assert_eq!(state.visible_from(user(BEN)), Some(5));
        let state = after(&[gone, say_event(), added(BEN)]);
        assert_eq!(state.visible_from(user(BEN)), Some(1));
    }
}

#[test]
fn what_newcomers_see_is_set_by_those_who_manage_the_group() {
    let change = ConversationCommand::ChangeSettings(turn(History::Joined));
    given(group())
        .when(ANN, change.clone())
        .then([turned(History::Joined)]);
    given(group()).when(BEN, change.clone()).forbidden();
    given(group())
        .done(ANN, change.clone())
        .when(ANN, change)
        .then([]);
    let same = ConversationCommand::ChangeSettings(turn(History::Shared));
    given(group()).when(ANN, same).then([]);
}

#[test]
fn a_message_that_somebody_does_not_see_does_not_exist_for_them() {
    // Dan comes in by the fourth event, and owns the group so that nothing else hinders him.
    let events = [
        turned(History::Joined),
        say_event(),
        added(DAN),
        role(DAN, Role::Owner),
    ];
    let state = after(&events);
    let message = |seq| Message {
        seq,
        ..written(DAN, "hi")
    };
    let about = [
        (
            ConversationCommand::EditMessage {
                message: MESSAGE,
                content: text("ho"),
            },
            Rejection::NotFound(Field::Message),
        ),
        (
            ConversationCommand::RecallMessage { message: MESSAGE },
            Rejection::NotFound(Field::Message),
        ),
        (
            ConversationCommand::Pin {
                message: MESSAGE,
                on: true,
            },
            Rejection::NotFound(Field::Message),
        ),
        (
            ConversationCommand::React {
                message: MESSAGE,
                emoji: emoji("👍"),
                on: true,
            },
            Rejection::NotFound(Field::Message),
        ),
        (
            ConversationCommand::SendMessage(SendMessage {
                thread: Some(InThread {
                    root: MESSAGE,
                    also: false,
                }),
                ..text("hi").into()
            }),
            Rejection::NotFound(Field::Thread),
        ),
        (
            reply_to(MESSAGE),
            Rejection::invalid(Field::ReplyTo, "the conversation has no such message"),
        ),
    ];
    for (body, refusal) in about {
        for (seq, sees) in [(3, false), (4, true), (5, true)] {
            let mut facts = everybody(Rules::default());
            facts.add_message(CONVERSATION, MESSAGE, message(seq));
            let decided = decide(&state, &facts, DAN, body.clone());
            if sees {
                assert!(decided.is_ok(), "{body:?} at {seq}: {decided:?}");
            } else {
                // As if nobody had ever sent it.
                assert_eq!(decided, Err(refusal.clone()), "{body:?} at {seq}");
                let nothing = decide(&state, &everybody(Rules::default()), DAN, body.clone());
                assert_eq!(nothing, Err(refusal.clone()), "{body:?}");
            }
        }
    }
    // Whoever was there sees it still.
    let mut facts = everybody(Rules::default());
    facts.add_presence(CONVERSATION, MESSAGE, user(ANN), (Line::Main, 3));
    assert!(decide(&state, &facts, BEN, reply_to(MESSAGE)).is_ok());
}

#[test]
fn before_their_joining_is_written_a_newcomer_sees_nothing() {
    let mut state = after(&[turned(History::Joined)]);
    let mut facts = everybody(Rules::default());
    facts.add_presence(CONVERSATION, MESSAGE, user(ANN), (Line::Main, 2));
    // Something is sent in the same batch, before they come and behind that.
    let coming = CommandId(Uuid::from_u128(77));
    facts.evolve(CONVERSATION, user(ANN), coming, &say_event());
    state.evolve(&added(DAN));
    for message in [MESSAGE, coming.0] {
        assert!(decide(&state, &facts, DAN, reply_to(message)).is_err());
        assert!(decide(&state, &facts, BEN, reply_to(message)).is_ok());
    }
}

#[test]
fn what_newcomers_see_is_kept_with_the_state() {
    let events = [turned(History::Joined), added(DAN), say_event()];
    let mut stream = Stream::default();
    let all = group().into_iter().chain(events);
    for (seq, event) in (1..).zip(all) {
        stream.evolve_at(&event.into(), seq);
    }
    let mut thawed = Stream::thaw(&stream.freeze()).unwrap();
    assert_eq!(thawed, stream);
    thawed.evolve_at(&added(50).into(), 9);
    assert_eq!(
        (thawed.visible_from(user(DAN)), thawed.visible_from(user(50))),
        (Some(3), Some(9))
    );
    let mut nobody = Stream::default();
    nobody.evolve(&Event::from(UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    })));
    assert_eq!(nobody.visible_from(user(ANN)), None);
}

fn say_event() -> ConversationEvent {
    ConversationEvent::MessageSent(text("hi").into())
}

/// What happens in a group.
#[derive(Clone, Copy, Debug)]
enum Step {
    Comes(u128, bool),
    Goes(u128),
    Turns(History),
    Says,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 2..6_u128;
    let history = prop::sample::select(&[History::Shared, History::Joined][..]);
    let step = prop_oneof![
        3 => (who(), any::<bool>()).prop_map(|(who, by_link)| Step::Comes(who, by_link)),
        2 => who().prop_map(Step::Goes),
        2 => history.prop_map(Step::Turns),
        4 => Just(Step::Says),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    /// A message is seen by those who were in when it was sent, and by those who came when all was shared, if it had been all the time since
    /// the message was sent.
    #[test]
    fn a_message_is_seen_by_who_was_there_and_by_who_came_while_all_was_shared_since(steps in steps()) {
        let mut state = placed(&group());
        let mut facts = everybody(Rules::default());
        let mut histories = vec![History::Shared; 2];
        let mut joined: BTreeMap<u128, u64> = [ANN, BEN, CAT].into_iter().map(|who| (who, 1)).collect();
        let mut messages: Vec<u64> = vec![];
        for step in steps {
            let seq = histories.len() as u64;
            let now = histories[histories.len() - 1];
            let event = match step {
                Step::Comes(who, by_link) if !joined.contains_key(&who) => {
                    joined.insert(who, seq);
                    ConversationEvent::MemberAdded(MemberAdded {
                        user: user(who),
                        role: Role::Member,
                        link: by_link.then(|| Uuid::from_u128(9)),
                        asked: false,
                        waited: false,
                    })
                }
                Step::Goes(who) if joined.remove(&who).is_some() => left(who),
                // What is so already is no event.
                Step::Turns(history) if history != now => turned(history),
                Step::Says => {
                    messages.push(seq);
                    let message = Uuid::from_u128(1000 + u128::from(seq));
                    facts.add_presence(CONVERSATION, message, user(ANN), (Line::Main, seq));
                    say_event()
                }
                Step::Comes(..) | Step::Goes(_) | Step::Turns(_) => continue,
            };
            histories.push(match step {
                Step::Turns(history) => history,
                _ => now,
            });
            state.evolve_at(&event, seq);
        }
        for (who, since) in &joined {
            for message in &messages {
                let was_shared = || (*message..=*since).all(|seq| histories[seq as usize] == History::Shared);
                let sees = message >= since || was_shared();
                prop_assert_eq!(state.visible_from(user(*who)).is_some_and(|from| from <= *message), sees);
                let replies = reply_to(Uuid::from_u128(1000 + u128::from(*message)));
                prop_assert_eq!(decide(&state, &facts, *who, replies).is_ok(), sees);
            }
        }
    }
}
