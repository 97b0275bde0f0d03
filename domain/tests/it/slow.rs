use crate::harness::*;
use chrono::TimeDelta;
use tidings_domain::event::MessageSent;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{ConversationCommand, ConversationEvent, Event, Field, Rejection, Role, SettingsChange};

fn slow(seconds: u32) -> ConversationCommand {
    ConversationCommand::ChangeSettings(SettingsChange {
        slow_s: Some(seconds),
        ..SettingsChange::default()
    })
}

/// Ann's group in slow mode, where Cat is an admin.
fn slowed() -> Given {
    given(group())
        .done(
            ANN,
            ConversationCommand::ChangeRole {
                user: user(CAT),
                role: Role::Admin,
            },
        )
        .done(ANN, slow(30))
}

fn too_soon(milliseconds: i64) -> Rejection {
    Rejection::TooOften {
        field: Field::Conversation,
        reason: "in slow mode members wait before they write again",
        wait: TimeDelta::milliseconds(milliseconds),
    }
}

fn sent(sender: u128) -> ConversationEvent {
    ConversationEvent::MessageSent(MessageSent {
        slow: Some(user(sender)),
        ..text("hi").into()
    })
}

#[test]
fn a_member_waits_to_the_last_moment_and_no_longer() {
    let said = || slowed().done(BEN, say("hi")).written(0);
    slowed().when(BEN, say("hi")).then([sent(BEN)]);
    said().after(29).when(BEN, say("hi")).refused(too_soon(1_000));
    said().after(30).when(BEN, say("hi")).then([sent(BEN)]);
    // Clocks that differ make nobody wait for longer.
    said().after(-100).when(BEN, say("hi")).refused(too_soon(30_000));
}

#[test]
fn who_waits_as_long_as_they_are_told_gets_through_though_the_logs_time_is_ahead() {
    // By a day, and there it stays until clocks have come to it.
    let learnt = || slowed().done(BEN, say("hi")).written(0).after(-86_400).learnt();
    learnt().when(BEN, say("ho")).refused(too_soon(30_000));
    learnt().after(29).when(BEN, say("ho")).refused(too_soon(1_000));
    learnt().after(30).when(BEN, say("hi")).then([sent(BEN)]);
    // What lies behind stays where it is.
    let before = slowed().done(BEN, say("hi")).written(20).learnt();
    before.when(BEN, say("ho")).refused(too_soon(10_000));
}

#[test]
fn what_stands_before_in_the_same_batch_counts() {
    slowed()
        .done(BEN, say("hi"))
        .when(BEN, say("ho"))
        .refused(too_soon(30_000));
}

#[test]
fn each_waits_for_themselves_and_managers_for_nobody() {
    let said = slowed()
        .done(BEN, say("hi"))
        .done(CAT, say("hi"))
        .done(ANN, say("hi"));
    let plain = ConversationEvent::MessageSent(text("hi").into());
    said.when(CAT, say("hi")).then([plain.clone()]);
    said.when(ANN, say("hi")).then([plain]);
    let added = ConversationCommand::AddMember { user: user(DAN) };
    said.done(ANN, added).when(DAN, say("hi")).then([sent(DAN)]);
}

#[test]
fn who_leaves_and_comes_back_waits_still() {
    slowed()
        .done(BEN, say("hi"))
        .written(1)
        .done(BEN, ConversationCommand::Leave)
        .done(ANN, ConversationCommand::AddMember { user: user(BEN) })
        .when(BEN, say("ho"))
        .refused(too_soon(29_000));
}

#[test]
fn nobody_waits_once_it_is_over_and_other_messages_cost_nothing() {
    let plain = ConversationEvent::MessageSent(text("hi").into());
    slowed()
        .done(BEN, say("hi"))
        .done(ANN, slow(0))
        .when(BEN, say("hi"))
        .then([plain.clone()]);
    for (event, control) in [(plain, false), (sent(BEN), true)] {
        let event = Event::from(event);
        let (kind, ..) = stored::encode(&event);
        assert_eq!(
            (kind, kind.is_control_event(&event)),
            (Kind::MESSAGE_SENT, control)
        );
    }
}

#[test]
fn what_was_written_in_an_earlier_slow_mode_makes_nobody_wait_in_the_next_one() {
    let again = || {
        slowed()
            .done(BEN, say("hi"))
            .written(1)
            .done(ANN, slow(0))
            .done(ANN, slow(600))
    };
    again().when(BEN, say("hi")).then([sent(BEN)]);
    let said = again().done(BEN, say("ho")).written(1);
    said.when(BEN, say("hi")).refused(too_soon(599_000));
    // Another pause is the same slow mode.
    slowed()
        .done(BEN, say("hi"))
        .written(1)
        .done(ANN, slow(600))
        .when(BEN, say("ho"))
        .refused(too_soon(599_000));
}

#[test]
fn what_is_done_to_a_message_waits_for_nothing() {
    let edit = ConversationCommand::EditMessage {
        message: MESSAGE,
        content: text("ho"),
    };
    let when = |command| {
        let given = slowed().and(written(BEN, "hi")).done(BEN, say("hi"));
        assert!(given.when(BEN, command).0.is_ok());
    };
    when(edit);
    when(ConversationCommand::RecallMessage { message: MESSAGE });
}
