use crate::harness::*;
use tidings_domain::event::MessageSent;
use tidings_domain::{
    CommandId, Content, ConversationCommand, ConversationEvent, Field, Original, Rejection, Says, SendMessage,
};
use uuid::Uuid;

fn forwarded(original: Original) -> ConversationEvent {
    ConversationEvent::MessageSent(MessageSent {
        forwarded: Some(original.forwarded),
        ..original.content.into()
    })
}

#[test]
fn what_somebody_sees_they_forward_as_it_stands() {
    let original = original(text("news"));
    given(group())
        .seen(BEN, original.clone())
        .when(BEN, forward(SOURCE))
        .then([forwarded(original)]);
}

#[test]
fn what_somebody_does_not_see_is_not_found_and_strangers_are_told_nothing() {
    let given = given(group()).seen(BEN, original(text("news")));
    given
        .when(CAT, forward(SOURCE))
        .refused(Rejection::NotFound(Field::Forward));
    given.when(DAN, forward(SOURCE)).refused(Rejection::NotAMember);
}

#[test]
fn what_was_found_for_one_command_is_nothing_to_another() {
    let other = CommandId(Uuid::from_u128(98));
    given(group())
        .seen_by(BEN, other, original(text("news")))
        .when(BEN, forward(SOURCE))
        .refused(Rejection::NotFound(Field::Forward));
    let (old, new) = (original(text("old news")), original(text("news")));
    given(group())
        .seen(BEN, new.clone())
        .seen_by(BEN, other, old)
        .when(BEN, forward(SOURCE))
        .then([forwarded(new)]);
}

#[test]
fn a_file_is_forwarded_by_who_has_not_stored_it() {
    let original = original(Content::File {
        attachment: Uuid::from_u128(80),
        caption: None,
    });
    given(group())
        .seen(BEN, original.clone())
        .when(BEN, forward(SOURCE))
        .then([forwarded(original)]);
}

#[test]
fn a_forward_mentions_and_answers_as_any_message_does() {
    let original = original(text("news"));
    let given = given(group()).seen(BEN, original.clone()).and(written(ANN, "hi"));
    let send = |mentions| {
        ConversationCommand::SendMessage(SendMessage {
            reply_to: Some(MESSAGE),
            mentions: vec![user(mentions)],
            ..Says::Forward(SOURCE).into()
        })
    };
    given.when(BEN, send(DAN)).invalid(Field::Mentions);
    given
        .when(BEN, send(CAT))
        .then([ConversationEvent::MessageSent(MessageSent {
            reply_to: Some(MESSAGE),
            mentions: vec![user(CAT)],
            forwarded: Some(original.forwarded),
            ..original.content.into()
        })]);
}

#[test]
fn what_is_forwarded_is_recalled_by_who_sent_it_on_and_edited_by_nobody() {
    let mut message = written(BEN, "news");
    message.forwarded = Some(original(text("news")).forwarded);
    let edit = ConversationCommand::EditMessage {
        message: MESSAGE,
        content: text("other news"),
    };
    let given = given(group()).and(message);
    given.when(BEN, edit).refused(Rejection::Denied {
        field: Field::Message,
        reason: "what is forwarded stays as it was said",
    });
    given.done(BEN, ConversationCommand::RecallMessage { message: MESSAGE });
}
