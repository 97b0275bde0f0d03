use crate::harness::*;
use tidings_domain::event::MessageSent;
use tidings_domain::{
    ConversationCommand, ConversationEvent, Field, Rejection, Role, SendMessage, SettingsChange, Who,
};
use uuid::Uuid;

#[test]
fn a_member_sends() {
    let sent = ConversationEvent::MessageSent(text("hi").into());
    given(group()).when(BEN, say("hi")).then([sent]);
}

#[test]
fn nobody_sends_to_a_conversation_that_does_not_exist() {
    given([]).when(BEN, say("hi")).refused(Rejection::NotAMember);
}

#[test]
fn members_are_mentioned_once_each_and_strangers_not_at_all() {
    let mention = |users: &[u128]| {
        ConversationCommand::SendMessage(SendMessage {
            mentions: users.iter().copied().map(user).collect(),
            ..text("hi").into()
        })
    };
    given(group())
        .when(BEN, mention(&[CAT, ANN, CAT]))
        .then([ConversationEvent::MessageSent(MessageSent {
            mentions: vec![user(CAT), user(ANN)],
            ..text("hi").into()
        })]);
    given(group()).when(BEN, mention(&[DAN])).invalid(Field::Mentions);
    let many: Vec<u128> = (1000..1101).collect();
    given(group())
        .when(BEN, mention(&many))
        .refused(Rejection::TooLarge {
            field: Field::Mentions,
            max: 100,
        });
    let crowd = || (1000..1100).map(added);
    given(group().into_iter().chain(crowd()))
        .when(BEN, mention(&many[..100]))
        .then([ConversationEvent::MessageSent(MessageSent {
            mentions: (1000..1100).map(user).collect(),
            ..text("hi").into()
        })]);
}

#[test]
fn a_reply_is_to_a_message_of_its_conversation_and_strangers_are_not_told() {
    let reply = ConversationCommand::SendMessage(SendMessage {
        reply_to: Some(Uuid::from_u128(7)),
        ..text("hi").into()
    });
    given(group()).when(BEN, reply.clone()).invalid(Field::ReplyTo);
    given(group()).when(DAN, reply).refused(Rejection::NotAMember);
}

#[test]
fn who_may_write_is_whose_message_is_taken() {
    let set = |change| ConversationCommand::ChangeSettings(change);
    let post = set(SettingsChange {
        post: Some(Who::Admins),
        ..SettingsChange::default()
    });
    let slow = set(SettingsChange {
        slow_s: Some(30),
        ..SettingsChange::default()
    });
    let mute = ConversationCommand::MuteMember {
        user: user(BEN),
        on: true,
        until: None,
    };
    let admin = ConversationCommand::ChangeRole {
        user: user(CAT),
        role: Role::Admin,
    };
    let ruled =
        |command: &ConversationCommand| given(group()).done(ANN, admin.clone()).done(ANN, command.clone());
    let states = [
        given(direct()),
        given([]),
        ruled(&post),
        ruled(&mute),
        ruled(&slow).done(BEN, say("hi")).written(29),
        ruled(&slow).done(BEN, say("hi")).written(30),
    ];
    for (n, state) in states.iter().enumerate() {
        for actor in [ANN, BEN, CAT, DAN] {
            let sent = state.when(actor, say("hi")).0.map(|_| ());
            assert_eq!(state.may_write(actor), sent, "{n}, {actor}");
        }
    }
}
