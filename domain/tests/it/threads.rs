use crate::harness::*;
use chrono::DateTime;
use tidings_domain::event::{MessageRecalled, MessageSent, Registered, ThreadFollowed, ThreadRead};
use tidings_domain::stored::{self, Kind};
use tidings_domain::{
    CommandId, ConversationCommand, ConversationEvent, Cursor, DigestKey, Event, Field, InThread, Line, Mark,
    Marking, Message, Rejection, Root, Said, SendMessage, Stream, StreamCommand, User, UserCommand,
    UserEvent,
};
use uuid::Uuid;

/// What [`Given::done`] sends has this id.
const BEFORE: Uuid = Uuid::from_u128(99);

fn reply(root: Uuid, also: bool) -> ConversationCommand {
    ConversationCommand::SendMessage(SendMessage {
        thread: Some(InThread { root, also }),
        ..text("hi").into()
    })
}

fn replied(root: Uuid, also: bool) -> ConversationEvent {
    ConversationEvent::MessageSent(MessageSent {
        thread: Some(root),
        thread_author: Some(user(ANN)),
        also,
        ..MessageSent::new(text("hi"))
    })
}

#[test]
fn a_member_replies_in_a_thread() {
    let given = given(group()).and(written(ANN, "hi"));
    for also in [false, true] {
        given
            .when(BEN, reply(MESSAGE, also))
            .then([replied(MESSAGE, also)]);
    }
}

#[test]
fn a_thread_goes_on_when_its_root_was_recalled() {
    let recalled = Message {
        recalled: true,
        ..written(ANN, "hi")
    };
    given(group())
        .and(recalled)
        .when(BEN, reply(MESSAGE, false))
        .then([replied(MESSAGE, false)]);
}

#[test]
fn a_thread_begins_with_a_message_of_the_conversation_and_strangers_are_not_told() {
    given(group())
        .when(BEN, reply(MESSAGE, false))
        .refused(Rejection::NotFound(Field::Thread));
    given(group())
        .and(written(ANN, "hi"))
        .when(DAN, reply(MESSAGE, false))
        .refused(Rejection::NotAMember);
}

#[test]
fn there_are_no_threads_in_a_direct_conversation() {
    given(direct())
        .and(written(ANN, "hi"))
        .when(BEN, reply(MESSAGE, false))
        .invalid(Field::Thread);
}

#[test]
fn there_are_no_threads_within_threads() {
    for line in [Line::Thread, Line::Both] {
        let message = Message {
            line,
            ..written(ANN, "hi")
        };
        given(group())
            .and(message)
            .when(BEN, reply(MESSAGE, true))
            .invalid(Field::Thread);
    }
}

#[test]
fn what_stands_right_before_a_reply_begins_its_thread_unless_it_stands_in_one() {
    given(group())
        .done(ANN, say("a root"))
        .when(BEN, reply(BEFORE, false))
        .then([replied(BEFORE, false)]);
    for also in [false, true] {
        given(group())
            .and(written(ANN, "hi"))
            .done(ANN, reply(MESSAGE, also))
            .when(BEN, reply(BEFORE, false))
            .invalid(Field::Thread);
    }
}

/// Counts are made of numbers of messages in the main timeline.
#[test]
fn the_recall_of_a_message_that_is_in_no_count_takes_none_out() {
    let recalled = |line| {
        let message = Message {
            line,
            ..written(BEN, "hi")
        };
        given(group())
            .and(message)
            .when(BEN, ConversationCommand::RecallMessage { message: MESSAGE })
    };
    let event = |message_no| {
        ConversationEvent::MessageRecalled(MessageRecalled {
            message: MESSAGE,
            message_seq: MESSAGE_SEQ,
            message_no,
            reason: None,
        })
    };
    recalled(Line::Main).then([event(MESSAGE_NO)]);
    recalled(Line::Both).then([event(MESSAGE_NO)]);
    recalled(Line::Thread).then([event(0)]);
}

#[test]
fn a_message_counts_where_the_main_timeline_shows_it() {
    let kind = |event: ConversationEvent| stored::encode(&Event::from(event)).0;
    let main = kind(ConversationEvent::MessageSent(MessageSent::new(text("hi"))));
    let (alone, both) = (kind(replied(MESSAGE, false)), kind(replied(MESSAGE, true)));
    assert_eq!(
        [main, alone, both],
        [
            Kind::MESSAGE_SENT,
            Kind::THREAD_REPLIED,
            Kind::THREAD_REPLIED_ALSO
        ]
    );
    assert_eq!([main, alone, both].map(Kind::is_countable), [true, false, true]);
    for message in [main, alone, both] {
        assert_eq!(
            (message.is_message(), message.wire_name()),
            (true, Some("message.sent"))
        );
    }
}

/// What Ann says of the thread below [`MESSAGE`], where the conversation ends at seq 9.
fn says(said: Said, root: Root) -> Marking {
    Marking {
        conversation: CONVERSATION,
        mark: Mark::Thread {
            thread: MESSAGE,
            said,
        },
        place: Some(Cursor { seq: 9, msg_no: 7 }),
        root,
        ended: vec![],
    }
}

fn ann() -> User {
    let mut ann = User::default();
    ann.evolve(&UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }));
    ann
}

fn decided(marking: Marking) -> Result<Vec<UserEvent>, Rejection> {
    ann().decide(UserCommand::Mark(marking), DateTime::UNIX_EPOCH)
}

fn root(line: Option<Line>) -> Root {
    Root {
        line,
        is_direct: false,
        read_seq: 3,
    }
}

#[test]
fn a_member_follows_a_thread_or_does_not() {
    for on in [true, false] {
        let followed = UserEvent::ThreadFollowed(ThreadFollowed {
            conversation: CONVERSATION,
            thread: MESSAGE,
            on,
        });
        let said = says(Said::Followed { on }, root(Some(Line::Main)));
        assert_eq!(decided(said), Ok(vec![followed]));
    }
}

#[test]
fn a_thread_is_read_forward_and_no_further_than_its_conversation() {
    let read = |seq| decided(says(Said::Read { seq }, root(Some(Line::Main))));
    let event = |seq| {
        UserEvent::ThreadRead(ThreadRead {
            conversation: CONVERSATION,
            thread: MESSAGE,
            seq,
        })
    };
    assert_eq!(read(4), Ok(vec![event(4)]));
    assert_eq!(read(9), Ok(vec![event(9)]));
    // What is read already moves nothing.
    assert_eq!(read(3), Ok(vec![]));
    for seq in [0, 10] {
        assert!(matches!(
            read(seq),
            Err(Rejection::Invalid {
                field: Field::Seq,
                ..
            })
        ));
    }
}

#[test]
fn what_the_stream_says_of_how_far_a_thread_was_read_counts_before_read_models_know_it() {
    let event = |thread, seq| {
        UserEvent::ThreadRead(ThreadRead {
            conversation: CONVERSATION,
            thread,
            seq,
        })
    };
    let read = |ann: &User, seq| {
        let said = says(Said::Read { seq }, root(Some(Line::Main)));
        ann.decide(UserCommand::Mark(said), DateTime::UNIX_EPOCH)
    };
    let mut ann = ann();
    ann.evolve(&event(MESSAGE, 7));
    // An older node may have written this.
    ann.evolve(&event(MESSAGE, 5));
    assert_eq!(read(&ann, 7), Ok(vec![]));
    assert_eq!(read(&ann, 8), Ok(vec![event(MESSAGE, 8)]));
    // Other threads say nothing of this one, also when the state is kept, and only so many are remembered.
    for n in 0..255 {
        ann.evolve(&event(Uuid::from_u128(1000 + n), 9));
    }
    let stream = Stream::thaw(&Stream::User(ann.clone()).freeze());
    assert_eq!(stream, Some(Stream::User(ann.clone())));
    assert_eq!(read(&ann, 7), Ok(vec![]));
    ann.evolve(&event(Uuid::from_u128(2000), 9));
    assert_eq!(read(&ann, 7), Ok(vec![event(MESSAGE, 7)]));
}

#[test]
fn only_members_say_something_of_threads_and_of_those_that_there_can_be() {
    for said in [Said::Followed { on: true }, Said::Read { seq: 4 }] {
        let stranger = Marking {
            place: None,
            ..says(said, root(Some(Line::Main)))
        };
        assert_eq!(decided(stranger), Err(Rejection::NotAMember));
        assert_eq!(
            decided(says(said, root(None))),
            Err(Rejection::NotFound(Field::Thread))
        );
        let direct = Root {
            is_direct: true,
            ..root(Some(Line::Main))
        };
        for root in [root(Some(Line::Thread)), root(Some(Line::Both)), direct] {
            let decided = decided(says(said, root));
            assert!(matches!(
                decided,
                Err(Rejection::Invalid {
                    field: Field::Thread,
                    ..
                })
            ));
        }
    }
}

#[test]
fn each_part_of_what_is_said_of_a_thread_is_in_its_digest_but_what_is_known_of_it() {
    let digest = |said, root| {
        let command = UserCommand::Mark(says(said, root));
        let (user, id) = (user(ANN), CommandId(BEFORE));
        StreamCommand::User { user, id, command }.digest(&DigestKey::new(b"a secret"))
    };
    let all = [
        Said::Followed { on: true },
        Said::Followed { on: false },
        Said::Read { seq: 3 },
        Said::Read { seq: 4 },
    ];
    for (n, one) in all.into_iter().enumerate() {
        assert_eq!(digest(one, root(None)), digest(one, root(Some(Line::Main))));
        for other in &all[..n] {
            assert_ne!(digest(one, root(None)), digest(*other, root(None)));
        }
    }
}
