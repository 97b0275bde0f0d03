use super::*;
use crate::lanes::fixture::control;
use bytes::Bytes;
use chrono::TimeDelta;
use proptest::prelude::*;
use tidings_domain::event::{
    ConversationEvent, GroupCreated, GroupSettingsChanged, MemberAdded, MemberLeft, MessageSent,
};
use tidings_domain::{
    Command, CommandId, Content, ConversationCommand, ConversationId, Facts, GroupName, MessageText,
    Rejection, Role, SettingsChange, StreamCommand, UserId,
};

const ONE: Uuid = Uuid::from_u128(1);

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

/// A group of one, then people who come and go, with messages between.
fn controls(steps: &[(u128, bool)]) -> Vec<Recorded> {
    let created = GroupCreated {
        name: GroupName::parse("friends").unwrap(),
        owner: user(0),
        members: vec![user(0)],
    };
    let mut controls = vec![control(ONE, 1, ConversationEvent::GroupCreated(created))];
    for (seq, (n, comes)) in (1_u64..).map(|n| 2 * n + 1).zip(steps) {
        let event = if *comes {
            ConversationEvent::MemberAdded(MemberAdded {
                user: user(*n),
                role: Role::Member,
                link: None,
                asked: false,
                waited: false,
            })
        } else {
            ConversationEvent::MemberLeft(MemberLeft { user: user(*n) })
        };
        controls.push(control(ONE, seq, event));
    }
    controls
}

fn folded(controls: &[Recorded]) -> Known {
    let mut known = Known::State(Arc::default());
    for recorded in controls {
        known.follow(1, recorded);
    }
    known
}

#[test]
fn of_states_that_are_kept_as_many_are_read_as_there_is_room_for_and_one_at_least() {
    for (bytes, fit) in [
        (vec![], 1),
        (vec![0, 0, 0], 3),
        (vec![4, 6, 1], 2),
        (vec![11, 0], 1),
    ] {
        assert_eq!(reading::fitting(&bytes, 10), fit, "{bytes:?}");
    }
    assert_eq!(reading::fitting(&[0, u64::MAX, u64::MAX], 10), 1);
}

proptest! {
    /// However much of it was read, and however often the rest is told, a state comes to be that of all events.
    #[test]
    fn what_is_read_and_what_is_heard_make_one_state(
        steps in prop::collection::vec((1..5_u128, any::<bool>()), 0..20),
        read in 0..21_usize,
        heard_from in 0..21_usize,
        behind in any::<bool>(),
    ) {
        let controls = controls(&steps);
        let read = read.min(controls.len() - 1) + 1;
        let mut states = States::new(9, usize::MAX);
        states.put(ONE, folded(&controls[..read]));
        if behind {
            states.stands_at(ONE, u64::MAX);
        }
        // Nothing between what was read and what is heard is left out; some of it may be in both.
        for recorded in &controls[heard_from.min(read)..] {
            let is_news = recorded.seq > controls[read - 1].seq;
            prop_assert_eq!(states.follow(1, recorded), is_news);
        }
        let (Some(Known::State(state)), Known::State(whole)) = (states.get(ONE), folded(&controls)) else {
            panic!("they can be read")
        };
        prop_assert_eq!((&state.stream, state.guard), (&whole.stream, whole.guard));
        prop_assert_eq!(states.bytes, state.bytes());
        let found = states.look_up(vec![ONE, ONE]);
        prop_assert_eq!((found.loaded.len(), found.behind.len()), (usize::from(!behind), usize::from(behind)));
    }
}

#[test]
fn in_slow_mode_a_member_waits_from_when_they_were_heard_though_the_logs_time_is_ahead() {
    let before = clock::now();
    let content = Content::Text {
        text: MessageText::parse("hi").unwrap(),
    };
    let created = GroupCreated {
        name: GroupName::parse("friends").unwrap(),
        owner: user(0),
        members: vec![user(0), user(1)],
    };
    let slow = GroupSettingsChanged {
        settings: SettingsChange {
            slow_s: Some(30),
            ..SettingsChange::default()
        },
    };
    let said = MessageSent {
        slow: Some(user(1)),
        ..MessageSent::new(content.clone())
    };
    let mut controls = [
        control(ONE, 1, ConversationEvent::GroupCreated(created)),
        control(ONE, 2, ConversationEvent::GroupSettingsChanged(slow)),
        control(ONE, 3, ConversationEvent::MessageSent(said)),
    ];
    controls[2].at = before + TimeDelta::days(1);
    let Known::State(heard) = folded(&controls) else {
        panic!("it can be read")
    };
    // As one is kept beside the log that knows the log's time alone.
    let mut ahead = Stream::default();
    for recorded in &controls {
        let event = stored::decode(recorded.kind, recorded.ver, &recorded.payload).unwrap();
        ahead.evolve_at(&event, recorded.seq);
        ahead.date(recorded.at);
    }
    let thawed = StreamState::thaw(&controls[0], 3, &ahead.freeze()).unwrap();
    let say = StreamCommand::Conversation(Command {
        id: CommandId(Uuid::from_u128(9)),
        actor: user(1),
        conversation: ConversationId(ONE),
        body: ConversationCommand::SendMessage(content.into()),
    });
    let waited = clock::now() + TimeDelta::seconds(30);
    for state in [&*heard, &thawed] {
        let decided = |now| state.stream.decide(&say, &Facts::default(), now);
        assert!(matches!(decided(before), Err(Rejection::TooOften { .. })));
        assert!(decided(waited).is_ok());
    }
}

#[test]
fn a_control_event_that_cannot_be_read_makes_the_state_none() {
    let mut controls = controls(&[(1, true), (2, true)]);
    controls[1].payload = Bytes::from_static(b"{}");
    assert!(matches!(folded(&controls), Known::Unreadable));
}

#[test]
fn a_state_that_is_put_anew_is_no_longer_behind() {
    let mut states = States::new(9, usize::MAX);
    states.stands_at(ONE, 1);
    assert_eq!(states.behind.len(), 0, "of what is not kept nothing is");
    states.put(ONE, Known::State(Arc::default()));
    assert!(states.is_older(ONE, 1));
    states.stands_at(ONE, 1);
    states.put(ONE, Known::State(Arc::default()));
    assert_eq!(states.look_up(vec![ONE]).loaded.len(), 1);
}

#[test]
fn a_state_that_is_ahead_of_the_log_is_read_anew() {
    let mut states = States::new(9, usize::MAX);
    let controls = controls(&[(1, true), (2, true)]);
    let known = folded(&controls);
    let Known::State(state) = &known else {
        panic!("it can be read")
    };
    let guard = state.guard;
    states.put(ONE, known.clone());
    states.stands_at(ONE, guard);
    assert_eq!(states.look_up(vec![ONE]).loaded.len(), 1);
    states.stands_at(ONE, guard - 1);
    assert_eq!(states.look_up(vec![ONE]).missing, [ONE]);
}

#[test]
fn states_are_bounded_in_bytes() {
    let mut states = States::new(100, 4 * size_of::<StreamState>());
    for n in 0..10 {
        states.put(Uuid::from_u128(n), Known::State(Arc::default()));
        states.put(Uuid::from_u128(n), Known::State(Arc::default()));
    }
    assert!(states.get(Uuid::from_u128(5)).is_none() && states.get(Uuid::from_u128(6)).is_some());
    states.forget(Uuid::from_u128(6));
    assert_eq!(states.bytes, 3 * size_of::<StreamState>());
    states.clear();
    assert_eq!((states.bytes, states.known.len()), (0, 0));
}
