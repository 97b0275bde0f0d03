use crate::harness::*;
use tidings_domain::event::GroupSettingsChanged;
use tidings_domain::{ConversationCommand, ConversationEvent, Field, Rejection, SettingsChange, Who};

fn change(settings: SettingsChange) -> ConversationCommand {
    ConversationCommand::ChangeSettings(settings)
}

fn changed(settings: SettingsChange) -> ConversationEvent {
    ConversationEvent::GroupSettingsChanged(GroupSettingsChanged { settings })
}

const NOTHING: SettingsChange = SettingsChange {
    post: None,
    invite: None,
    pin: None,
    everyone: None,
    threads: None,
    react: None,
    attach: None,
    forward: None,
    history: None,
    join: None,
    slow_s: None,
};

#[test]
fn what_is_named_becomes_another_and_the_rest_stays() {
    let closed = SettingsChange {
        post: Some(Who::Admins),
        ..NOTHING
    };
    let both = SettingsChange {
        post: Some(Who::Admins),
        slow_s: Some(30),
        ..NOTHING
    };
    let slow = SettingsChange {
        slow_s: Some(30),
        ..NOTHING
    };
    given(group()).when(ANN, change(closed)).then([changed(closed)]);
    // The event holds what is news, so that whoever reads it can say what happened.
    let closed_group = || given(group()).done(ANN, change(closed));
    closed_group().when(ANN, change(both)).then([changed(slow)]);
    closed_group().when(ANN, change(closed)).then([]);
    closed_group().when(ANN, change(NOTHING)).then([]);
    closed_group()
        .done(ANN, change(slow))
        .when(BEN, say("hi"))
        .forbidden();
}

#[test]
fn a_stranger_is_told_nothing_and_nobody_waits_for_longer_than_six_hours() {
    let slow = |slow_s| {
        change(SettingsChange {
            slow_s: Some(slow_s),
            ..NOTHING
        })
    };
    given(group()).when(DAN, slow(1)).refused(Rejection::NotAMember);
    given(group()).when(ANN, slow(21_601)).invalid(Field::Settings);
    given(group())
        .when(ANN, slow(21_600))
        .then([changed(SettingsChange {
            slow_s: Some(21_600),
            ..NOTHING
        })]);
}

#[test]
fn what_is_said_in_a_group_stays_there_where_it_is_set_so() {
    let stays = tidings_domain::Original {
        stays: true,
        ..original(text("news"))
    };
    given(group())
        .seen(BEN, stays)
        .when(BEN, forward(SOURCE))
        .refused(Rejection::Denied {
            field: Field::Forward,
            reason: "what is said in that group stays there",
        });
}
