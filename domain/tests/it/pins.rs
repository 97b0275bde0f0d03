use crate::harness::*;
use tidings_domain::event::{MessageRecalled, PinChanged};
use tidings_domain::{ConversationCommand, ConversationEvent, Field, Message, PINS_MAX, Rejection, Role};
use uuid::Uuid;

fn pin(on: bool) -> ConversationCommand {
    ConversationCommand::Pin { message: MESSAGE, on }
}

fn changed(on: bool) -> ConversationEvent {
    ConversationEvent::PinChanged(PinChanged {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        on,
    })
}

/// Ann's group, where Ben is an admin and Cat is a member who has written something.
fn managed() -> Given {
    given(group().into_iter().chain([role(BEN, Role::Admin)])).and(written(CAT, "hi"))
}

/// So many other messages are pinned.
fn pinned(count: usize) -> impl Iterator<Item = ConversationEvent> {
    (0..count).map(|n| {
        ConversationEvent::PinChanged(PinChanged {
            message: Uuid::from_u128(1000 + n as u128),
            message_seq: 8 + n as u64,
            on: true,
        })
    })
}

#[test]
fn owners_and_admins_pin_and_unpin() {
    for manager in [ANN, BEN] {
        managed().when(manager, pin(true)).then([changed(true)]);
        managed()
            .done(ANN, pin(true))
            .when(manager, pin(false))
            .then([changed(false)]);
    }
    managed().when(CAT, pin(true)).forbidden();
    managed().done(ANN, pin(true)).when(CAT, pin(false)).forbidden();
    managed().when(DAN, pin(true)).refused(Rejection::NotAMember);
}

#[test]
fn both_pin_in_a_direct_conversation() {
    for who in [ANN, BEN] {
        given(direct())
            .and(written(ANN, "hi"))
            .when(who, pin(true))
            .then([changed(true)]);
    }
}

#[test]
fn what_is_so_already_appends_nothing() {
    managed().done(ANN, pin(true)).when(BEN, pin(true)).then([]);
    managed().when(ANN, pin(false)).then([]);
}

#[test]
fn a_place_that_a_recalled_message_has_taken_is_given_back() {
    // On another node it was pinned just before, which was written behind the recall.
    let recalled = Message {
        recalled: true,
        ..written(CAT, "hi")
    };
    let late = given(group().into_iter().chain([changed(true)])).and(recalled);
    late.when(ANN, pin(false)).then([changed(false)]);
}

#[test]
fn what_is_unknown_or_recalled_is_not_found() {
    let not_found = Rejection::NotFound(Field::Message);
    given(group()).when(ANN, pin(true)).refused(not_found.clone());
    let recalled = || managed().done(CAT, ConversationCommand::RecallMessage { message: MESSAGE });
    recalled().when(ANN, pin(true)).refused(not_found.clone());
    recalled().when(ANN, pin(false)).refused(not_found);
}

#[test]
fn a_recall_unpins() {
    let recall = ConversationCommand::RecallMessage { message: MESSAGE };
    let recalled = ConversationEvent::MessageRecalled(MessageRecalled {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        message_no: MESSAGE_NO,
        reason: None,
    });
    managed()
        .done(ANN, pin(true))
        .when(CAT, recall)
        .then([changed(false), recalled]);
}

#[test]
fn there_are_not_too_many_at_a_time() {
    let full = || given(group().into_iter().chain(pinned(PINS_MAX))).and(written(CAT, "hi"));
    full().when(ANN, pin(true)).conflicts();
    given(group().into_iter().chain(pinned(PINS_MAX - 1)))
        .and(written(CAT, "hi"))
        .when(ANN, pin(true))
        .then([changed(true)]);
}
