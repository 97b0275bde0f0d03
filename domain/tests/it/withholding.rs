use crate::harness::*;
use tidings_domain::event::{MessageRecalled, MessageWithheld, PinChanged};
use tidings_domain::{
    ConversationCommand, ConversationEvent, Field, Line, Message, Reason, Rejection, WITHHELD_MAX,
};
use uuid::Uuid;

const SHOW_AGAIN: ConversationCommand = ConversationCommand::ShowAgain { message: MESSAGE };
const RECALL: ConversationCommand = ConversationCommand::RecallMessage { message: MESSAGE };

fn why() -> Reason {
    Reason::parse("somebody's address").unwrap()
}

fn withhold() -> ConversationCommand {
    ConversationCommand::Withhold {
        message: MESSAGE,
        report: REPORT,
        reason: why(),
    }
}

fn moderate() -> ConversationCommand {
    ConversationCommand::Moderate {
        message: MESSAGE,
        reason: why(),
    }
}

fn pin(on: bool) -> ConversationCommand {
    ConversationCommand::Pin { message: MESSAGE, on }
}

fn changed(withheld: bool) -> ConversationEvent {
    ConversationEvent::MessageWithheld(MessageWithheld {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        message_no: MESSAGE_NO,
        withheld,
        reason: withheld.then(why),
    })
}

fn recalled(reason: Option<Reason>) -> ConversationEvent {
    ConversationEvent::MessageRecalled(MessageRecalled {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        message_no: MESSAGE_NO,
        reason,
    })
}

/// Ann's group, where Cat has written something.
fn said() -> Given {
    given(group()).and(written(CAT, "hi"))
}

#[test]
fn moderators_withhold_and_show_again_in_conversations_of_any_kind() {
    for events in [group(), direct()] {
        // Dan is no member, and it is late.
        let said = || given(events.clone()).and(written(ANN, "hi")).after(1_000_000);
        said().when(DAN, withhold()).then([changed(true)]);
        said().done(DAN, withhold()).when(CAT, withhold()).then([]);
        said()
            .done(DAN, withhold())
            .when(CAT, SHOW_AGAIN)
            .then([changed(false)]);
        said().when(DAN, SHOW_AGAIN).then([]);
        let again = said().done(DAN, withhold()).done(DAN, SHOW_AGAIN);
        again.when(DAN, withhold()).then([changed(true)]);
    }
    given(group())
        .when(DAN, withhold())
        .refused(Rejection::NotFound(Field::Message));
}

#[test]
fn what_stands_in_a_thread_alone_is_in_no_count() {
    let reply = Message {
        line: Line::Thread,
        ..written(CAT, "hi")
    };
    let events = given(group()).and(reply).when(DAN, withhold()).0.unwrap();
    assert!(matches!(
        &events[..],
        [ConversationEvent::MessageWithheld(MessageWithheld {
            message_no: 0,
            ..
        })]
    ));
}

#[test]
fn nobody_does_anything_to_what_is_withheld() {
    let gone = || Rejection::NotFound(Field::Message);
    let withheld = || {
        said()
            .done(BEN, react(true))
            .done(ANN, pin(true))
            .done(DAN, withhold())
    };
    let edit = || ConversationCommand::EditMessage {
        message: MESSAGE,
        content: text("ho"),
    };
    withheld().when(CAT, edit()).refused(gone());
    withheld().when(ANN, react(true)).refused(gone());
    withheld().when(BEN, react(false)).refused(gone());
    // A pin is taken away without looking at what it holds.
    let unpinned = ConversationEvent::PinChanged(PinChanged {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        on: false,
    });
    withheld().when(ANN, pin(false)).then([unpinned]);
    withheld()
        .done(ANN, pin(false))
        .when(ANN, pin(true))
        .refused(gone());
    let again = withheld().done(DAN, SHOW_AGAIN);
    assert!(again.when(CAT, edit()).0.is_ok_and(|events| events.len() == 1));
}

fn react(on: bool) -> ConversationCommand {
    ConversationCommand::React {
        message: MESSAGE,
        emoji: emoji("👍"),
        on,
    }
}

#[test]
fn a_recall_ends_it_and_wins() {
    let withheld = || said().done(DAN, withhold());
    withheld()
        .when(CAT, RECALL)
        .then([changed(false), recalled(None)]);
    withheld()
        .when(DAN, moderate())
        .then([changed(false), recalled(Some(why()))]);
    let gone = || withheld().done(CAT, RECALL);
    gone()
        .when(DAN, withhold())
        .refused(Rejection::NotFound(Field::Message));
    gone().when(DAN, SHOW_AGAIN).then([]);
    gone().when(DAN, moderate()).then([]);
}

#[test]
fn so_many_are_withheld_at_a_time() {
    let others = |count: usize| {
        (0..count).map(|n| {
            ConversationEvent::MessageWithheld(MessageWithheld {
                message: Uuid::from_u128(1000 + n as u128),
                message_seq: 8 + n as u64,
                message_no: 5 + n as u64,
                withheld: true,
                reason: Some(why()),
            })
        })
    };
    let with = |count| given(group().into_iter().chain(others(count))).and(written(CAT, "hi"));
    with(WITHHELD_MAX).when(DAN, withhold()).conflicts();
    with(WITHHELD_MAX - 1).when(DAN, withhold()).then([changed(true)]);
}
