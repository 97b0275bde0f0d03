//! What people hide from themselves.

use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use tidings_domain::event::{ConversationCleared, MessagesHidden, Registered};
use tidings_domain::{
    CommandId, ConversationId, Cursor, DigestKey, Field, Found, HIDDEN_MAX, Hidden, Hiding, Rejection,
    StreamCommand, User, UserCommand, UserEvent, UserId,
};
use uuid::Uuid;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const CONVERSATION: ConversationId = ConversationId(Uuid::from_u128(1));

fn decide(hidden: Hidden, is_member: bool) -> Result<Vec<UserEvent>, Rejection> {
    let mut ann = User::default();
    ann.evolve(&UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }));
    let hiding = Hiding {
        conversation: CONVERSATION,
        hidden,
        is_member,
    };
    ann.decide(UserCommand::Hide(hiding), NOW)
}

fn found(message: u128, seq: u64) -> Found {
    Found {
        message: Uuid::from_u128(message),
        place: Cursor { seq, msg_no: seq - 1 },
    }
}

fn messages(wanted: impl IntoIterator<Item = u128>, found: Vec<Found>) -> Hidden {
    Hidden::Messages {
        wanted: wanted.into_iter().map(Uuid::from_u128).collect(),
        found,
    }
}

#[test]
fn messages_are_hidden_where_they_stand_each_once() {
    let hidden = messages(
        [3, 2, 3],
        vec![found(3, 9), found(2, 5), found(3, 9), found(4, 7)],
    );
    let event = MessagesHidden {
        conversation: CONVERSATION,
        messages: vec![Uuid::from_u128(2), Uuid::from_u128(3)],
        seqs: vec![5, 9],
        message_nos: vec![4, 8],
    };
    let places: Vec<_> = event.places().collect();
    assert_eq!(places, [(Uuid::from_u128(2), 5, 4), (Uuid::from_u128(3), 9, 8)]);
    assert_eq!(decide(hidden, true), Ok(vec![UserEvent::MessagesHidden(event)]));
}

#[test]
fn what_is_not_there_is_not_hidden() {
    assert_eq!(
        decide(messages([2, 3], vec![found(2, 5)]), true),
        Err(Rejection::NotFound(Field::Messages))
    );
    let nothing = decide(messages([], vec![]), true);
    assert!(
        matches!(
            nothing,
            Err(Rejection::Invalid {
                field: Field::Messages,
                ..
            })
        ),
        "{nothing:?}"
    );
    let many = |count: usize| {
        let all = 2..2 + count as u128;
        let found = all.clone().map(|n| found(n, n as u64)).collect();
        decide(messages(all, found), true)
    };
    assert!(many(HIDDEN_MAX).is_ok());
    assert!(matches!(
        many(HIDDEN_MAX + 1),
        Err(Rejection::TooLarge {
            field: Field::Messages,
            max: HIDDEN_MAX
        })
    ));
    for hidden in [
        messages([2], vec![found(2, 5)]),
        Hidden::UpTo { seq: 1, place: None },
    ] {
        assert_eq!(decide(hidden, false), Err(Rejection::NotAMember));
    }
}

#[test]
fn a_conversation_is_cleared_up_to_an_event_that_there_is() {
    let place = Cursor { seq: 9, msg_no: 7 };
    let cleared = ConversationCleared {
        conversation: CONVERSATION,
        seq: 9,
        message_no: 7,
    };
    assert_eq!(
        decide(
            Hidden::UpTo {
                seq: 9,
                place: Some(place)
            },
            true
        ),
        Ok(vec![UserEvent::ConversationCleared(cleared)])
    );
    let nowhere = decide(Hidden::UpTo { seq: 9, place: None }, true);
    assert!(
        matches!(
            nowhere,
            Err(Rejection::Invalid {
                field: Field::Seq,
                ..
            })
        ),
        "{nowhere:?}"
    );
}

#[test]
fn what_is_wanted_is_in_the_digest_and_what_was_found_is_not() {
    let digest = |hidden| {
        let hiding = Hiding {
            conversation: CONVERSATION,
            hidden,
            is_member: true,
        };
        let (user, id) = (UserId(Uuid::from_u128(1)), CommandId(Uuid::nil()));
        let command = UserCommand::Hide(hiding);
        StreamCommand::User { user, id, command }.digest(&DigestKey::new(b"a secret"))
    };
    assert_eq!(
        digest(messages([2, 3], vec![])),
        digest(messages([3, 2], vec![found(2, 5)]))
    );
    let place = Some(Cursor { seq: 4, msg_no: 2 });
    assert_eq!(
        digest(Hidden::UpTo { seq: 4, place }),
        digest(Hidden::UpTo { seq: 4, place: None })
    );
    let different: BTreeSet<i64> = [
        messages([2], vec![]),
        messages([2, 3], vec![]),
        Hidden::UpTo { seq: 4, place },
        Hidden::UpTo { seq: 5, place },
    ]
    .into_iter()
    .map(digest)
    .collect();
    assert_eq!(different.len(), 4);
}
