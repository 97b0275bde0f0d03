use chrono::DateTime;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::event::{CursorsMoved, Registered};
use tidings_domain::user::UserCommand;
use tidings_domain::{ConversationId, Cursor, Field, Rejection, Stream, User, UserEvent};
use uuid::Uuid;

const NOW: DateTime<chrono::Utc> = DateTime::UNIX_EPOCH;

fn registered() -> Registered {
    Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }
}

#[test]
fn a_user_registers_once() {
    let mut user = User::default();
    assert!(!user.exists());
    let events = user.decide(UserCommand::Register(registered()), NOW).unwrap();
    assert_eq!(events, [UserEvent::Registered(registered())]);
    user.evolve(&events[0]);
    assert!(user.exists());
    assert_eq!(user.decide(UserCommand::Register(registered()), NOW), Ok(vec![]));
}

#[test]
fn nobody_reads_before_they_register() {
    let read = UserCommand::MoveCursors {
        moved: CursorsMoved::default(),
        known: CursorsMoved::default(),
        read: BTreeSet::new(),
    };
    assert_eq!(
        User::default().decide(read, NOW),
        Err(Rejection::NotFound(Field::User))
    );
}

#[test]
fn cursors_move_on_or_nothing_happens() {
    let at = |places: &[(u128, u64)]| -> BTreeMap<ConversationId, Cursor> {
        let cursor = |seq| Cursor { seq, msg_no: seq };
        let places = places.iter();
        places
            .map(|(room, seq)| (ConversationId(Uuid::from_u128(*room)), cursor(*seq)))
            .collect()
    };
    let cursors = |read: &[(u128, u64)], delivered: &[(u128, u64)]| CursorsMoved {
        read: at(read),
        delivered: at(delivered),
    };
    let mut user = User::default();
    user.evolve(&UserEvent::Registered(registered()));
    let known = cursors(&[(1, 5), (2, 5)], &[(1, 7)]);
    let decide = |moved: CursorsMoved| {
        let command = UserCommand::MoveCursors {
            moved,
            known: known.clone(),
            read: BTreeSet::new(),
        };
        user.decide(command, NOW)
    };
    assert_eq!(decide(cursors(&[(1, 5), (2, 4)], &[(1, 7)])), Ok(vec![]));
    assert_eq!(
        decide(cursors(&[(1, 6), (2, 5), (3, 1)], &[(1, 6), (2, 2)])),
        Ok(vec![UserEvent::CursorsMoved(cursors(
            &[(1, 6), (3, 1)],
            &[(2, 2)]
        ))])
    );
    // Either moves without the other.
    for one in [cursors(&[(1, 6)], &[]), cursors(&[], &[(1, 8)])] {
        assert_eq!(decide(one.clone()), Ok(vec![UserEvent::CursorsMoved(one)]));
    }
}

#[test]
fn a_user_that_was_frozen_is_registered_or_not_as_before() {
    let mut stream = Stream::default();
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream.clone()));
    stream.evolve(&UserEvent::Registered(registered()).into());
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream.clone()));
    assert_eq!(
        Stream::thaw(&Stream::User(User::default()).freeze()),
        Some(Stream::User(User::default()))
    );
}
