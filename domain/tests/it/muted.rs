use crate::harness::*;
use chrono::{DateTime, TimeDelta};
use tidings_domain::event::MemberMuted;
use tidings_domain::{
    ConversationCommand, ConversationEvent, Field, Moment, Reason, Rejection, Role, SettingsChange,
};

fn at(seconds: i64) -> Moment {
    DateTime::from_timestamp(seconds, 0).unwrap().into()
}

fn mute(n: u128, on: bool, until: Option<Moment>) -> ConversationCommand {
    ConversationCommand::MuteMember {
        user: user(n),
        on,
        until,
    }
}

fn promote(n: u128) -> ConversationCommand {
    ConversationCommand::ChangeRole {
        user: user(n),
        role: Role::Admin,
    }
}

fn muted(n: u128, on: bool, until: Option<Moment>) -> ConversationEvent {
    ConversationEvent::MemberMuted(MemberMuted {
        user: user(n),
        on,
        until,
    })
}

#[test]
fn who_is_muted_writes_nothing_until_it_is_over() {
    given(group())
        .when(ANN, mute(BEN, true, None))
        .then([muted(BEN, true, None)]);
    let for_ever = || given(group()).done(ANN, mute(BEN, true, None));
    for_ever()
        .when(BEN, say("hi"))
        .refused(Rejection::Muted { wait: None });
    let sent = for_ever().done(ANN, mute(BEN, false, None));
    assert!(sent.when(BEN, say("hi")).0.is_ok());
    let a_while = || given(group()).done(ANN, mute(BEN, true, Some(at(60))));
    a_while()
        .after(59)
        .when(BEN, say("hi"))
        .refused(Rejection::Muted {
            wait: Some(TimeDelta::seconds(1)),
        });
    assert!(a_while().after(60).when(BEN, say("hi")).0.is_ok());
}

#[test]
fn who_leaves_and_comes_back_is_muted_still() {
    given(group())
        .done(ANN, mute(BEN, true, None))
        .done(BEN, ConversationCommand::Leave)
        .done(ANN, ConversationCommand::AddMember { user: user(BEN) })
        .when(BEN, say("hi"))
        .refused(Rejection::Muted { wait: None });
}

#[test]
fn an_admin_who_is_muted_tells_the_group_nothing_by_what_admins_do_and_takes_back_what_was_said() {
    let rename = || ConversationCommand::Rename {
        name: name("hear me"),
    };
    let govern = [
        rename(),
        ConversationCommand::RemoveMember { user: user(CAT) },
        ConversationCommand::ChangeSettings(SettingsChange {
            slow_s: Some(7),
            ..SettingsChange::default()
        }),
        ConversationCommand::Ban {
            user: user(CAT),
            until: None,
            reason: Reason::parse("hear me").ok(),
        },
        ConversationCommand::Unban { user: user(DAN) },
        mute(CAT, true, None),
        // Nor do they end it.
        mute(BEN, false, None),
    ];
    let admin = || given(group()).done(ANN, promote(BEN));
    let silenced = || admin().done(ANN, mute(BEN, true, None));
    for act in govern {
        silenced().when(BEN, act).refused(Rejection::Muted { wait: None });
    }
    // Another admin ends it no more than they do.
    let two = silenced().done(ANN, promote(CAT));
    assert!(matches!(
        two.when(CAT, mute(BEN, false, None)).0,
        Err(Rejection::Forbidden(_))
    ));
    let recall = ConversationCommand::RecallMessage { message: MESSAGE };
    let recalled = silenced().and(written(CAT, "hi")).when(BEN, recall);
    assert!(recalled.0.is_ok());
    let over = admin().done(ANN, mute(BEN, true, Some(at(60)))).after(60);
    assert!(over.when(BEN, rename()).0.is_ok());
}

#[test]
fn an_owner_is_never_bound_by_it() {
    let heir = given(group()).done(ANN, mute(BEN, true, None)).done(
        ANN,
        ConversationCommand::ChangeRole {
            user: user(BEN),
            role: Role::Owner,
        },
    );
    assert!(heir.when(BEN, say("hi")).0.is_ok());
}

#[test]
fn what_cannot_be_is_refused_by_its_field() {
    given(group())
        .when(ANN, mute(ANN, true, None))
        .invalid(Field::User);
    given(group())
        .when(ANN, mute(DAN, true, None))
        .refused(missing(NO_MEMBER));
    given(group())
        .when(ANN, mute(BEN, true, Some(at(0))))
        .invalid(Field::Until);
    given(group())
        .when(ANN, mute(BEN, false, Some(at(60))))
        .invalid(Field::Until);
    given(group()).when(ANN, mute(BEN, false, None)).then([]);
    given(group())
        .when(DAN, mute(BEN, true, None))
        .refused(Rejection::NotAMember);
    given(direct())
        .when(ANN, mute(BEN, true, None))
        .invalid(Field::Conversation);
}
