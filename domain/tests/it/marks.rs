//! What people mark for themselves.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;
use tidings_domain::event::{
    ConversationArchived, ConversationMarked, ConversationMuted, CursorsMoved, Place, Registered,
};
use tidings_domain::{
    CommandId, ConversationId, Cursor, DigestKey, Field, MARKED_MAX, Mark, Marking, Moment, Rejection, Root,
    Stream, StreamCommand, User, UserCommand, UserEvent, UserId,
};
use uuid::Uuid;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const END: Cursor = Cursor { seq: 9, msg_no: 7 };

fn conversation(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(n))
}

fn ann() -> User {
    let mut ann = User::default();
    ann.evolve(&UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }));
    ann
}

fn mark(mark: Mark) -> UserCommand {
    UserCommand::Mark(Marking {
        conversation: conversation(1),
        mark,
        place: Some(END),
        root: Root::default(),
        ended: vec![],
    })
}

fn marked(n: u128, unread: bool) -> UserEvent {
    UserEvent::ConversationMarked(ConversationMarked {
        conversation: conversation(n),
        unread,
        seq: unread.then_some(END.seq),
    })
}

fn in_ms(ms: i64) -> Moment {
    (NOW + TimeDelta::milliseconds(ms)).into()
}

#[test]
fn a_member_mutes_and_archives_where_the_conversation_is() {
    let place = Place::from(END);
    for on in [true, false] {
        let muted = UserEvent::ConversationMuted(ConversationMuted {
            conversation: conversation(1),
            on,
            until: None,
            place,
        });
        assert_eq!(
            ann().decide(mark(Mark::Muted { on, until: None }), NOW),
            Ok(vec![muted])
        );
        let archived = UserEvent::ConversationArchived(ConversationArchived {
            conversation: conversation(1),
            on,
            place,
        });
        assert_eq!(ann().decide(mark(Mark::Archived { on }), NOW), Ok(vec![archived]));
    }
}

#[test]
fn a_mute_ends_in_the_future_or_never() {
    let until = |on, until| {
        mark(Mark::Muted {
            on,
            until: Some(until),
        })
    };
    let invalid = |command| match ann().decide(command, NOW) {
        Err(Rejection::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(invalid(until(true, in_ms(0))), Field::Until);
    assert_eq!(invalid(until(true, in_ms(-1))), Field::Until);
    assert_eq!(invalid(until(false, in_ms(1))), Field::Until);
    let events = ann().decide(until(true, in_ms(1)), NOW).unwrap();
    assert!(
        matches!(&events[..], [UserEvent::ConversationMuted(muted)] if muted.until == Some(in_ms(1))),
        "{events:?}"
    );
}

#[test]
fn who_is_no_member_marks_nothing() {
    for mark in [
        Mark::Muted {
            on: true,
            until: None,
        },
        Mark::Archived { on: false },
        Mark::Unread { on: false },
    ] {
        let marking = Marking {
            conversation: conversation(1),
            mark,
            place: None,
            root: Root::default(),
            ended: vec![],
        };
        assert_eq!(
            ann().decide(UserCommand::Mark(marking), NOW),
            Err(Rejection::NotAMember)
        );
    }
}

#[test]
fn a_read_ends_that_a_conversation_is_marked_as_unread_though_it_moves_nothing() {
    let mut ann = ann();
    let read = |conversations: &[u128]| UserCommand::MoveCursors {
        moved: CursorsMoved::default(),
        known: CursorsMoved::default(),
        read: conversations
            .iter()
            .copied()
            .map(conversation)
            .collect::<BTreeSet<_>>(),
    };
    assert_eq!(ann.decide(mark(Mark::Unread { on: false }), NOW), Ok(vec![]));
    assert_eq!(
        ann.decide(mark(Mark::Unread { on: true }), NOW),
        Ok(vec![marked(1, true)])
    );
    ann.evolve(&marked(1, true));
    assert_eq!(ann.decide(read(&[2]), NOW), Ok(vec![]));
    assert_eq!(ann.decide(read(&[1, 2]), NOW), Ok(vec![marked(1, false)]));
    // Once more, since messages may have come, or gone out, in between.
    assert_eq!(
        ann.decide(mark(Mark::Unread { on: true }), NOW),
        Ok(vec![marked(1, true)])
    );
    ann.evolve(&marked(1, false));
    assert_eq!(ann.decide(read(&[1]), NOW), Ok(vec![]));
}

#[test]
fn not_too_many_are_marked_at_a_time() {
    let mut ann = ann();
    for n in 2..2 + MARKED_MAX as u128 {
        ann.evolve(&marked(n, true));
    }
    let full = ann.decide(mark(Mark::Unread { on: true }), NOW);
    assert!(matches!(full, Err(Rejection::Conflict(_))), "{full:?}");
    // One of them may be marked again: it takes no place more.
    let again = UserCommand::Mark(Marking {
        conversation: conversation(5),
        mark: Mark::Unread { on: true },
        place: Some(END),
        root: Root::default(),
        ended: vec![],
    });
    assert_eq!(ann.decide(again, NOW), Ok(vec![marked(5, true)]));
    ann.evolve(&marked(5, false));
    assert_eq!(
        ann.decide(mark(Mark::Unread { on: true }), NOW),
        Ok(vec![marked(1, true)])
    );
}

#[test]
fn what_has_ended_by_itself_makes_room_and_what_was_marked_again_since_does_not() {
    let mut ann = ann();
    for n in 2..2 + MARKED_MAX as u128 {
        ann.evolve(&marked(n, true));
    }
    let with = |ended: &[(u128, u64)]| {
        UserCommand::Mark(Marking {
            conversation: conversation(1),
            mark: Mark::Unread { on: true },
            place: Some(END),
            root: Root::default(),
            ended: ended.iter().map(|(n, seq)| (conversation(*n), *seq)).collect(),
        })
    };
    // Where it was marked, or before, nothing has ended; nor where nothing is marked.
    let full = ann.decide(with(&[(2, END.seq), (3, 1), (5000, 99)]), NOW);
    assert!(matches!(full, Err(Rejection::Conflict(_))), "{full:?}");
    let events = ann.decide(with(&[(2, END.seq), (3, END.seq + 1)]), NOW).unwrap();
    assert_eq!(events, [marked(3, false), marked(1, true)]);
    // While there is room nobody is told of it.
    ann.evolve(&marked(7, false));
    assert_eq!(
        ann.decide(with(&[(3, END.seq + 1)]), NOW),
        Ok(vec![marked(1, true)])
    );
}

#[test]
fn who_has_left_takes_back_what_they_have_marked() {
    let mut ann = ann();
    ann.evolve(&marked(1, true));
    let marking = |on| Marking {
        conversation: conversation(1),
        mark: Mark::Unread { on },
        place: None,
        root: Root::default(),
        ended: vec![],
    };
    let decided = |on| ann.decide(UserCommand::Mark(marking(on)), NOW);
    assert_eq!(decided(false), Ok(vec![marked(1, false)]));
    assert_eq!(decided(true), Err(Rejection::NotAMember));
}

#[test]
fn marks_are_frozen_with_the_user() {
    let mut ann = ann();
    ann.evolve(&marked(1, true));
    ann.evolve(&marked(2, true));
    ann.evolve(&marked(1, false));
    let stream = Stream::User(ann);
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
}

#[test]
fn each_part_of_a_wish_is_in_its_digest_but_where_the_conversation_was() {
    let key = DigestKey::new(b"a secret");
    let digest = |n, mark, place| {
        let command = UserCommand::Mark(Marking {
            conversation: conversation(n),
            mark,
            place,
            root: Root::default(),
            ended: vec![],
        });
        let (user, id) = (UserId(Uuid::from_u128(1)), CommandId(Uuid::nil()));
        StreamCommand::User { user, id, command }.digest(&key)
    };
    let marks = [
        Mark::Muted {
            on: true,
            until: None,
        },
        Mark::Muted {
            on: true,
            until: Some(in_ms(1)),
        },
        Mark::Muted {
            on: true,
            until: Some(in_ms(2)),
        },
        Mark::Muted {
            on: false,
            until: None,
        },
        Mark::Archived { on: true },
        Mark::Archived { on: false },
        Mark::Unread { on: true },
        Mark::Unread { on: false },
    ];
    let digests: BTreeSet<i64> = marks.iter().map(|mark| digest(1, *mark, None)).collect();
    assert_eq!(digests.len(), marks.len());
    assert!(!digests.contains(&0));
    assert_eq!(digest(1, marks[0], None), digest(1, marks[0], Some(END)));
    assert_ne!(digest(1, marks[0], None), digest(2, marks[0], None));
}
