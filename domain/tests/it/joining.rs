use crate::harness::*;
use chrono::TimeDelta;
use tidings_domain::event::{JoinRefused, JoinRequested};
use tidings_domain::{
    ConversationCommand, ConversationEvent, Field, JOIN_REQUEST_SECONDS, JOIN_REQUESTS_MAX, Join, Regard,
    Rejection, SettingsChange,
};

fn set(join: Join) -> Given {
    let change = SettingsChange {
        join: Some(join),
        ..SettingsChange::default()
    };
    given(group()).done(ANN, ConversationCommand::ChangeSettings(change))
}

fn join() -> ConversationCommand {
    ConversationCommand::Join
}

fn approve(n: u128) -> ConversationCommand {
    ConversationCommand::Approve { user: user(n) }
}

fn refuse(n: u128) -> ConversationCommand {
    ConversationCommand::Refuse { user: user(n) }
}

#[test]
fn into_an_open_group_people_come_as_they_like() {
    set(Join::Open).when(DAN, join()).then([added(DAN)]);
    set(Join::Open).when(BEN, join()).conflicts();
    set(Join::Open).with_room(DAN, 0).when(DAN, join()).conflicts();
}

#[test]
fn into_a_group_that_everybody_has_left_nobody_comes() {
    let left = |join| {
        let all = [ANN, BEN, CAT].into_iter();
        all.fold(set(join), |given, who| {
            given.done(who, ConversationCommand::Leave)
        })
    };
    for way in [Join::Open, Join::Request] {
        left(way).when(DAN, join()).refused(Rejection::NotAMember);
    }
}

#[test]
fn who_asks_is_let_in_or_refused_by_those_who_may_add_people() {
    let requested = ConversationEvent::JoinRequested(JoinRequested { user: user(DAN) });
    set(Join::Request).when(DAN, join()).then([requested]);
    let asked = || set(Join::Request).done(DAN, join());
    asked().when(DAN, join()).then([]);
    asked().when(BEN, approve(DAN)).forbidden();
    asked().when(ANN, approve(DAN)).then([added(DAN)]);
    let refused = ConversationEvent::JoinRefused(JoinRefused { user: user(DAN) });
    asked().when(ANN, refuse(DAN)).then([refused]);
    let not_found = Rejection::NotFound(Field::User);
    for answered in [approve(DAN), refuse(DAN)] {
        let answered = asked().done(ANN, answered);
        answered.when(ANN, approve(DAN)).refused(not_found.clone());
        answered.when(ANN, refuse(DAN)).refused(not_found.clone());
    }
    set(Join::Request).when(ANN, approve(DAN)).refused(not_found);
}

#[test]
fn who_asks_is_let_in_by_whoever_answers_and_a_block_is_not_told() {
    let denied = Rejection::Denied {
        field: Field::User,
        reason: "this user does not want that from you",
    };
    for is_blocked in [false, true] {
        let regard = Regard {
            settings: tidings_domain::Settings {
                add_me: tidings_domain::Audience::Nobody,
                ..tidings_domain::Settings::default()
            },
            is_blocked,
            ..Regard::default()
        };
        let strange = set(Join::Request).with_regard(ANN, DAN, regard);
        let add = || ConversationCommand::AddMember { user: user(DAN) };
        strange.when(ANN, add()).refused(denied.clone());
        for let_in in [add(), approve(DAN)] {
            let asked = set(Join::Request).with_regard(ANN, DAN, regard).done(DAN, join());
            asked.when(ANN, let_in).then([added(DAN)]);
        }
    }
}

#[test]
fn nobody_is_let_in_who_is_gone() {
    let gone = PEOPLE + 1;
    let requested = ConversationEvent::JoinRequested(JoinRequested { user: user(gone) });
    let change = ConversationEvent::GroupSettingsChanged(tidings_domain::event::GroupSettingsChanged {
        settings: SettingsChange {
            join: Some(Join::Request),
            ..SettingsChange::default()
        },
    });
    let asked = given(group().into_iter().chain([change, requested]));
    for act in [approve(gone), ConversationCommand::AddMember { user: user(gone) }] {
        asked.when(ANN, act).refused(Rejection::NotFound(Field::User));
    }
}

#[test]
fn who_asks_takes_that_back_and_asks_again_a_day_later() {
    let back = || ConversationCommand::WithdrawInvitation { user: user(DAN) };
    let refused = ConversationEvent::JoinRefused(JoinRefused { user: user(DAN) });
    let asked = || set(Join::Request).done(DAN, join());
    asked().when(DAN, back()).then([refused]);
    asked().when(5, back()).refused(Rejection::NotAMember);
    asked()
        .when(BEN, back())
        .refused(Rejection::NotFound(Field::User));
    let taken = asked().done(DAN, back()).written(0);
    taken.when(DAN, back()).refused(Rejection::NotAMember);
    taken
        .when(ANN, approve(DAN))
        .refused(Rejection::NotFound(Field::User));
    assert!(matches!(
        taken.when(DAN, join()).0,
        Err(Rejection::TooOften { .. })
    ));
    for nothing in [given(group()), given(direct()), given([])] {
        nothing.when(DAN, back()).refused(Rejection::NotAMember);
    }
}

#[test]
fn who_was_refused_asks_again_a_day_later() {
    let refused = || {
        set(Join::Request)
            .done(DAN, join())
            .done(ANN, refuse(DAN))
            .written(0)
    };
    refused()
        .after(86_399)
        .when(DAN, join())
        .refused(Rejection::TooOften {
            field: Field::Conversation,
            reason: "whoever was refused asks again a day later",
            wait: TimeDelta::seconds(1),
        });
    assert!(refused().after(86_400).when(DAN, join()).0.is_ok());
    // But they may be added.
    let add = ConversationCommand::AddMember { user: user(DAN) };
    refused().when(ANN, add).then([added(DAN)]);
}

#[test]
fn of_other_groups_a_stranger_is_told_nothing() {
    set(Join::Invite).when(DAN, join()).refused(Rejection::NotAMember);
    given(group()).when(DAN, join()).refused(Rejection::NotAMember);
    given(direct()).when(DAN, join()).refused(Rejection::NotAMember);
    given([]).when(DAN, join()).refused(Rejection::NotAMember);
}

#[test]
fn who_is_banned_neither_comes_nor_asks() {
    let ban = ConversationCommand::Ban {
        user: user(DAN),
        until: None,
        reason: None,
    };
    for way in [Join::Open, Join::Request] {
        set(way).done(ANN, ban.clone()).when(DAN, join()).forbidden();
    }
    let asked = set(Join::Request).done(DAN, join()).done(ANN, ban);
    asked
        .when(ANN, approve(DAN))
        .refused(Rejection::NotFound(Field::User));
}

#[test]
fn so_many_wait_for_an_answer_and_no_more() {
    let last = 10 + JOIN_REQUESTS_MAX as u128;
    let full = (10..last).fold(set(Join::Request).with_people(last), |given, n| {
        given.done(n, join())
    });
    full.when(last, join()).conflicts();
    assert!(full.done(ANN, refuse(10)).when(last, join()).0.is_ok());
}

#[test]
fn who_has_no_answer_for_thirty_days_asks_no_more_and_may_ask_again() {
    let life = i64::from(JOIN_REQUEST_SECONDS);
    let requested = ConversationEvent::JoinRequested(JoinRequested { user: user(DAN) });
    let asked = || set(Join::Request).done(DAN, join());
    let waiting = || asked().written(life - 1);
    waiting().when(DAN, join()).then([]);
    waiting().when(ANN, approve(DAN)).then([added(DAN)]);
    let over = || asked().written(life);
    over().when(DAN, join()).then([requested]);
    for answer in [approve(DAN), refuse(DAN)] {
        over().when(ANN, answer).refused(Rejection::NotFound(Field::User));
    }
    // Another request makes room for itself.
    let again = over().done(DAN, join()).written(0);
    again.when(ANN, approve(DAN)).then([added(DAN)]);
}

#[test]
fn requests_that_are_over_take_nobodys_place() {
    let last = 10 + JOIN_REQUESTS_MAX as u128;
    let full = (10..last).fold(set(Join::Request).with_people(last), |given, n| {
        given.done(n, join())
    });
    let over = full.written(i64::from(JOIN_REQUEST_SECONDS));
    assert!(over.when(last, join()).0.is_ok());
}
