use crate::harness::*;
use chrono::{DateTime, TimeDelta};
use tidings_domain::conversation::EVERYONE_PER_HOUR;
use tidings_domain::event::MessageSent;
use tidings_domain::stored;
use tidings_domain::{ConversationCommand, ConversationEvent, Event, Field, Rejection, Role, SendMessage};

fn call() -> ConversationCommand {
    ConversationCommand::SendMessage(SendMessage {
        everyone: true,
        ..text("all").into()
    })
}

fn called() -> ConversationEvent {
    ConversationEvent::MessageSent(MessageSent {
        everyone: true,
        ..text("all").into()
    })
}

/// Ann's group, where Ben is an admin and Cat is a member.
fn managed() -> Given {
    given(group().into_iter().chain([role(BEN, Role::Admin)]))
}

/// After so long it may be tried again.
fn too_often(wait: TimeDelta) -> Rejection {
    Rejection::TooOften {
        field: Field::Everyone,
        reason: "everyone was mentioned too often in the last hour",
        wait,
    }
}

#[test]
fn owners_and_admins_mention_everyone_and_members_do_not() {
    managed().when(ANN, call()).then([called()]);
    managed().when(BEN, call()).then([called()]);
    managed().when(CAT, call()).refused(Rejection::Denied {
        field: Field::Everyone,
        reason: "only owners and admins mention everyone in this group",
    });
    managed().when(DAN, call()).refused(Rejection::NotAMember);
}

#[test]
fn of_messages_only_those_that_mention_everyone_are_decided_on() {
    let is_control = |event: ConversationEvent| {
        let event = Event::from(event);
        stored::encode(&event).0.is_control_event(&event)
    };
    assert!(is_control(called()));
    assert!(!is_control(ConversationEvent::MessageSent(text("hi").into())));
    assert!(is_control(left(BEN)));
}

#[test]
fn in_a_direct_conversation_there_is_no_everyone() {
    given(direct()).when(ANN, call()).invalid(Field::Everyone);
}

#[test]
fn a_group_mentions_everyone_so_often_in_an_hour() {
    let mut given = managed();
    for n in 0..EVERYONE_PER_HOUR {
        given = given.done(if n % 2 == 0 { ANN } else { BEN }, call()).written(60);
    }
    // The first of them was ten minutes ago.
    given.when(ANN, call()).refused(too_often(TimeDelta::minutes(50)));
    given.when(CAT, call()).refused(Rejection::Denied {
        field: Field::Everyone,
        reason: "only owners and admins mention everyone in this group",
    });
    given
        .when(ANN, say("hi"))
        .then([ConversationEvent::MessageSent(text("hi").into())]);
    let given = given.after(50 * 60 - 1);
    given.when(ANN, call()).refused(too_often(TimeDelta::seconds(1)));
    let given = given.after(1).done(ANN, call()).written(0);
    given.when(BEN, call()).refused(too_often(TimeDelta::minutes(1)));
}

#[test]
fn an_hour_is_over_though_the_logs_time_is_ahead() {
    let mut given = managed();
    for _ in 0..EVERYONE_PER_HOUR {
        given = given.done(ANN, call());
    }
    let given = given.written(0).after(-86_400).learnt();
    given.when(ANN, call()).refused(too_often(TimeDelta::hours(1)));
    given.after(3600).when(ANN, call()).then([called()]);
}

#[test]
fn those_that_are_decided_and_not_written_yet_count() {
    let mut given = managed();
    for _ in 0..EVERYONE_PER_HOUR {
        given = given.done(ANN, call());
    }
    given.when(ANN, call()).refused(too_often(TimeDelta::hours(1)));
}

#[test]
fn clocks_that_differ_make_nobody_wait_for_longer_than_an_hour() {
    let mut state = fold(&group());
    for _ in 0..EVERYONE_PER_HOUR {
        state.evolve(&called());
    }
    let mut stream = tidings_domain::Stream::Conversation(state);
    stream.date(DateTime::UNIX_EPOCH + TimeDelta::days(1));
    let tidings_domain::Stream::Conversation(state) = stream else {
        unreachable!()
    };
    let command = tidings_domain::Command {
        id: tidings_domain::CommandId(uuid::Uuid::from_u128(99)),
        actor: user(ANN),
        conversation: CONVERSATION,
        body: call(),
    };
    let facts = everybody(tidings_domain::Rules::default());
    assert_eq!(
        state.decide(&command, &facts, DateTime::UNIX_EPOCH),
        Err(too_often(TimeDelta::hours(1)))
    );
}
