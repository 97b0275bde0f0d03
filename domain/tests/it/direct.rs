use crate::harness::*;
use tidings_domain::event::DirectOpened;
use tidings_domain::{ConversationCommand, ConversationEvent, Field, Rejection};

fn open(n: u128) -> ConversationCommand {
    ConversationCommand::OpenDirect { user: user(n) }
}

#[test]
fn opening_makes_the_conversation_of_both() {
    let opened = ConversationEvent::DirectOpened(DirectOpened {
        users: [user(ANN), user(BEN)],
    });
    given([]).when(BEN, open(ANN)).then([opened]);
}

#[test]
fn opening_again_changes_nothing() {
    given(direct()).when(ANN, open(BEN)).then([]);
    given(direct()).when(BEN, open(ANN)).then([]);
}

#[test]
fn who_does_not_exist_is_not_found() {
    let nobody = open(PEOPLE + 1);
    given([])
        .when(ANN, nobody)
        .refused(Rejection::NotFound(Field::User));
}

#[test]
fn nobody_talks_to_themselves() {
    given([]).when(ANN, open(ANN)).invalid(Field::User);
}

#[test]
fn a_third_person_is_no_member() {
    given(direct())
        .when(CAT, say("hi"))
        .refused(Rejection::NotAMember);
}

#[test]
fn nobody_joins_or_leaves_a_direct_conversation() {
    given(direct())
        .when(ANN, ConversationCommand::AddMember { user: user(CAT) })
        .invalid(Field::Conversation);
    given(direct())
        .when(ANN, ConversationCommand::Leave)
        .invalid(Field::Conversation);
    given(direct())
        .when(ANN, ConversationCommand::Rename { name: name("us") })
        .invalid(Field::Conversation);
}
