use crate::harness::*;
use tidings_domain::event::MessageRecalled;
use tidings_domain::{
    ConversationCommand, ConversationEvent, Field, Message, Rejection, Role, Rules, Window,
};

const RECALL: ConversationCommand = ConversationCommand::RecallMessage { message: MESSAGE };

const LATE: i64 = 601;

fn recalled() -> ConversationEvent {
    ConversationEvent::MessageRecalled(MessageRecalled {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        message_no: MESSAGE_NO,
        reason: None,
    })
}

/// Ann's group, where Ben is an admin and Cat and Dan are members.
fn managed() -> Given {
    given(group().into_iter().chain([role(BEN, Role::Admin), added(DAN)]))
}

fn late() -> Rejection {
    Rejection::TooLate(Field::Message)
}

#[test]
fn an_author_recalls_for_a_while() {
    let after = |seconds| managed().and(written(CAT, "hi")).after(seconds).when(CAT, RECALL);
    after(600).then([recalled()]);
    after(LATE).refused(late());
    let with = |recall_window, seconds| {
        let rules = Rules {
            recall_window,
            ..Rules::default()
        };
        let given = managed().under(rules).and(written(CAT, "hi"));
        given.after(seconds).when(CAT, RECALL)
    };
    with(Window::Closed, 0).refused(late());
    with(Window::AnyTime, 1_000_000_000).then([recalled()]);
}

#[test]
fn an_admin_recalls_what_members_sent_at_any_time() {
    managed()
        .and(written(CAT, "hi"))
        .after(LATE)
        .when(BEN, RECALL)
        .then([recalled()]);
    managed().and(written(ANN, "hi")).when(BEN, RECALL).forbidden();
    // What another admin sent is theirs alone; what they sent themselves they recall at any time, too.
    let two = || {
        given(
            group()
                .into_iter()
                .chain([role(BEN, Role::Admin), role(CAT, Role::Admin)]),
        )
    };
    two().and(written(CAT, "hi")).when(BEN, RECALL).forbidden();
    two().and(written(BEN, "hi")).when(BEN, RECALL).then([recalled()]);
    two()
        .and(written(BEN, "hi"))
        .after(LATE)
        .when(BEN, RECALL)
        .then([recalled()]);
}

#[test]
fn who_has_left_is_an_ordinary_member() {
    let gone = given(
        group()
            .into_iter()
            .chain([role(BEN, Role::Admin), role(CAT, Role::Admin), left(CAT)]),
    );
    gone.and(written(CAT, "hi"))
        .after(LATE)
        .when(BEN, RECALL)
        .then([recalled()]);
}

#[test]
fn an_owner_recalls_everything_at_any_time() {
    for sender in [ANN, BEN, CAT] {
        managed()
            .and(written(sender, "hi"))
            .after(LATE)
            .when(ANN, RECALL)
            .then([recalled()]);
    }
}

#[test]
fn a_member_recalls_nothing_of_others() {
    managed().and(written(CAT, "hi")).when(DAN, RECALL).forbidden();
}

#[test]
fn in_a_direct_conversation_only_the_author_recalls() {
    given(direct())
        .and(written(BEN, "hi"))
        .when(ANN, RECALL)
        .forbidden();
    given(direct())
        .and(written(BEN, "hi"))
        .when(BEN, RECALL)
        .then([recalled()]);
    given(direct())
        .and(written(BEN, "hi"))
        .after(LATE)
        .when(BEN, RECALL)
        .refused(late());
}

#[test]
fn strangers_are_not_told_what_there_is() {
    given(group())
        .and(written(CAT, "hi"))
        .when(DAN, RECALL)
        .refused(Rejection::NotAMember);
    given(group()).when(DAN, RECALL).refused(Rejection::NotAMember);
    managed()
        .when(CAT, RECALL)
        .refused(Rejection::NotFound(Field::Message));
}

#[test]
fn recalling_again_changes_nothing_however_late() {
    let twice = || {
        managed().and(Message {
            recalled: true,
            ..written(CAT, "hi")
        })
    };
    twice().after(LATE).when(CAT, RECALL).then([]);
    twice().after(LATE).when(ANN, RECALL).then([]);
    twice().when(DAN, RECALL).forbidden();
    managed()
        .and(written(CAT, "hi"))
        .done(CAT, RECALL)
        .when(ANN, RECALL)
        .then([]);
}
