use crate::harness::*;
use tidings_domain::event::MessageEdited;
use tidings_domain::{
    Content, ConversationCommand, ConversationEvent, Field, MessageText, Rejection, Role, Rules, Window,
};
use uuid::Uuid;

fn put(content: Content) -> ConversationCommand {
    ConversationCommand::EditMessage {
        message: MESSAGE,
        content,
    }
}

fn edit(words: &str) -> ConversationCommand {
    put(text(words))
}

fn edited(words: &str) -> ConversationEvent {
    ConversationEvent::MessageEdited(MessageEdited {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        content: text(words),
    })
}

#[test]
fn an_author_edits() {
    given(group())
        .and(written(BEN, "hi"))
        .when(BEN, edit("ho"))
        .then([edited("ho")]);
    given(direct())
        .and(written(BEN, "hi"))
        .when(BEN, edit("ho"))
        .then([edited("ho")]);
}

#[test]
fn nobody_else_edits_not_even_an_owner() {
    given(group())
        .and(written(BEN, "hi"))
        .when(ANN, edit("ho"))
        .forbidden();
    given(direct())
        .and(written(BEN, "hi"))
        .when(ANN, edit("ho"))
        .forbidden();
}

#[test]
fn an_author_who_has_left_does_not_edit_and_strangers_are_not_told_what_there_is() {
    let gone = || given(group().into_iter().chain([left(BEN)]));
    gone()
        .and(written(BEN, "hi"))
        .when(BEN, edit("ho"))
        .refused(Rejection::NotAMember);
    gone().when(BEN, edit("ho")).refused(Rejection::NotAMember);
}

#[test]
fn what_is_unknown_or_recalled_is_not_found() {
    let not_found = Rejection::NotFound(Field::Message);
    given(group()).when(BEN, edit("ho")).refused(not_found.clone());
    let recalled = tidings_domain::Message {
        recalled: true,
        ..written(BEN, "hi")
    };
    given(group())
        .and(recalled)
        .when(BEN, edit("ho"))
        .refused(not_found);
}

#[test]
fn edits_have_their_time() {
    let with = |edit_window| Rules {
        edit_window,
        ..Rules::default()
    };
    let late = Rejection::TooLate(Field::Message);
    let after = |rules, seconds| {
        given(group())
            .under(rules)
            .and(written(BEN, "hi"))
            .after(seconds)
            .when(BEN, edit("ho"))
    };
    after(Rules::default(), 10_800).then([edited("ho")]);
    after(Rules::default(), 10_801).refused(late.clone());
    after(with(Window::Seconds(5)), 6).refused(late.clone());
    after(with(Window::Closed), 0).refused(late);
    after(with(Window::AnyTime), 1_000_000_000).then([edited("ho")]);
}

#[test]
fn an_owner_edits_their_own_at_any_time_unless_nobody_edits() {
    let after = |edit_window, sender, seconds| {
        let rules = Rules {
            edit_window,
            ..Rules::default()
        };
        given(group().into_iter().chain([role(BEN, Role::Admin)]))
            .under(rules)
            .and(written(sender, "hi"))
            .after(seconds)
            .when(sender, edit("ho"))
    };
    let late = Rejection::TooLate(Field::Message);
    after(Window::Seconds(5), ANN, 1_000_000_000).then([edited("ho")]);
    after(Window::Seconds(5), BEN, 6).refused(late.clone());
    after(Window::Closed, ANN, 0).refused(late.clone());
    // There are no owners in a direct conversation.
    given(direct())
        .and(written(ANN, "hi"))
        .after(10_801)
        .when(ANN, edit("ho"))
        .refused(late);
}

#[test]
fn an_edit_that_changes_nothing_appends_nothing() {
    // However late, as who recalls again is told.
    for edit_window in [Window::Closed, Window::Seconds(5), Window::AnyTime] {
        let rules = Rules {
            edit_window,
            ..Rules::default()
        };
        given(group())
            .under(rules)
            .and(written(BEN, "hi"))
            .after(6)
            .when(BEN, edit("hi"))
            .then([]);
    }
    given(group())
        .and(written(BEN, "hi"))
        .when(BEN, edit("hi"))
        .then([]);
    // Compared with the last version, not the first.
    let edited_once = || given(group()).and(written(BEN, "hi")).done(BEN, edit("ho"));
    edited_once().when(BEN, edit("ho")).then([]);
    edited_once().when(BEN, edit("hi")).then([edited("hi")]);
}

#[test]
fn a_message_has_a_hundred_versions_at_most() {
    let versions = |versions| {
        let message = tidings_domain::Message {
            versions,
            ..written(BEN, "hi")
        };
        given(group()).and(message)
    };
    versions(99).when(BEN, edit("ho")).then([edited("ho")]);
    versions(100).when(BEN, edit("ho")).conflicts();
    versions(100).when(BEN, edit("hi")).then([]);
    versions(99)
        .done(BEN, edit("ho"))
        .when(BEN, edit("hi"))
        .conflicts();
}

#[test]
fn an_edit_changes_words_and_nothing_else() {
    let image = |attachment, caption: &str| Content::Image {
        attachment: Uuid::from_u128(attachment),
        caption: Some(MessageText::parse(caption).unwrap()),
    };
    let file = |attachment| Content::File {
        attachment: Uuid::from_u128(attachment),
        caption: None,
    };
    let of = |content| {
        given(group()).and(tidings_domain::Message {
            content,
            ..written(BEN, "hi")
        })
    };
    let put_to = |content: Content| {
        ConversationEvent::MessageEdited(MessageEdited {
            message: MESSAGE,
            message_seq: MESSAGE_SEQ,
            content,
        })
    };
    of(image(1, "a"))
        .when(BEN, put(image(1, "b")))
        .then([put_to(image(1, "b"))]);
    of(image(1, "a"))
        .when(BEN, put(image(2, "a")))
        .invalid(Field::Content);
    of(image(1, "a")).when(BEN, put(file(1))).invalid(Field::Content);
    of(file(1)).when(BEN, put(file(2))).invalid(Field::Content);
    of(file(1)).when(BEN, put(file(1))).then([]);
    of(text("a")).when(BEN, put(file(1))).invalid(Field::Content);
}
