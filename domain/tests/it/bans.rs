use crate::harness::*;
use chrono::DateTime;
use tidings_domain::conversation::ban::BANS_MAX;
use tidings_domain::event::{MemberBanned, MemberRemoved, MemberUnbanned};
use tidings_domain::{ConversationCommand, ConversationEvent, Field, Moment, Reason, Rejection, Role};

fn at(seconds: i64) -> Moment {
    DateTime::from_timestamp(seconds, 0).unwrap().into()
}

fn ban(n: u128, until: Option<Moment>) -> ConversationCommand {
    ConversationCommand::Ban {
        user: user(n),
        until,
        reason: Some(Reason::parse(" spam ").unwrap()),
    }
}

fn banned(n: u128, until: Option<Moment>) -> ConversationEvent {
    ConversationEvent::MemberBanned(MemberBanned {
        user: user(n),
        until,
        reason: Some(Reason::parse("spam").unwrap()),
    })
}

fn unban(n: u128) -> ConversationCommand {
    ConversationCommand::Unban { user: user(n) }
}

fn add(n: u128) -> ConversationCommand {
    ConversationCommand::AddMember { user: user(n) }
}

const OUT: Rejection = Rejection::Denied {
    field: Field::User,
    reason: "this user is banned from the group",
};

#[test]
fn who_is_banned_is_out_and_stays_out() {
    let removed = ConversationEvent::MemberRemoved(MemberRemoved { user: user(BEN) });
    given(group())
        .when(ANN, ban(BEN, None))
        .then([removed, banned(BEN, None)]);
    let out = || given(group()).done(ANN, ban(BEN, None));
    out().when(BEN, say("hi")).refused(Rejection::NotAMember);
    out().when(ANN, add(BEN)).refused(OUT);
    // Who is not in does not come in either.
    given(group()).when(ANN, ban(DAN, None)).then([banned(DAN, None)]);
    given(group())
        .done(ANN, ban(DAN, None))
        .when(ANN, add(DAN))
        .refused(OUT);
}

#[test]
fn a_ban_ends_when_it_is_over_or_lifted() {
    let out = || given(group()).done(ANN, ban(BEN, Some(at(60))));
    out().after(59).when(ANN, add(BEN)).refused(OUT);
    out().after(60).when(ANN, add(BEN)).then([added(BEN)]);
    let unbanned = ConversationEvent::MemberUnbanned(MemberUnbanned { user: user(BEN) });
    out().when(ANN, unban(BEN)).then([unbanned]);
    out().done(ANN, unban(BEN)).when(ANN, add(BEN)).then([added(BEN)]);
    out().done(ANN, unban(BEN)).when(ANN, unban(BEN)).then([]);
    // The latest one counts.
    out()
        .done(ANN, ban(BEN, None))
        .after(60)
        .when(ANN, add(BEN))
        .refused(OUT);
}

/// A group that has banned as many as may be.
fn full(until: Option<Moment>) -> Given {
    let bans = (0..BANS_MAX as u128).map(|n| banned(1000 + n, until));
    given(group().into_iter().chain(bans)).with_people(1000)
}

#[test]
fn bans_that_are_over_make_room_for_others_and_are_forgotten_then() {
    full(None).after(60).when(ANN, ban(DAN, None)).conflicts();
    let a_while = || full(Some(at(60)));
    a_while().after(59).when(ANN, ban(DAN, None)).conflicts();
    // Who is banned already takes no room.
    a_while().when(ANN, ban(1000, None)).then([banned(1000, None)]);
    let over = || a_while().after(60);
    over().when(ANN, ban(DAN, None)).then([banned(DAN, None)]);
    let lifted = ConversationEvent::MemberUnbanned(MemberUnbanned { user: user(1000) });
    over().when(ANN, unban(1000)).then([lifted]);
    let forgotten = over().done(ANN, ban(DAN, None)).written(0);
    forgotten.when(ANN, unban(1000)).then([]);
    forgotten.when(ANN, add(DAN)).refused(OUT);
}

#[test]
fn what_cannot_be_is_refused_by_its_field() {
    given(group()).when(ANN, ban(ANN, None)).invalid(Field::User);
    given(group())
        .when(ANN, ban(BEN, Some(at(0))))
        .invalid(Field::Until);
    given(group())
        .when(ANN, ban(PEOPLE + 1, None))
        .refused(Rejection::NotFound(Field::User));
    given(group())
        .when(DAN, ban(BEN, None))
        .refused(Rejection::NotAMember);
    given(direct())
        .when(ANN, ban(BEN, None))
        .invalid(Field::Conversation);
    assert!(Reason::parse(" ").is_err() && Reason::parse("a\nb").is_err());
    assert!(matches!(
        Reason::parse(&"x".repeat(257)),
        Err(Rejection::TooLarge {
            field: Field::Reason,
            max: 256
        })
    ));
}

#[test]
fn a_group_is_handed_on() {
    let transfer = |n| ConversationCommand::TransferGroup { user: user(n) };
    given(group())
        .when(ANN, transfer(BEN))
        .then([role(BEN, Role::Owner), role(ANN, Role::Admin)]);
    let handed = || given(group()).done(ANN, transfer(BEN));
    handed().when(ANN, transfer(CAT)).forbidden();
    handed().when(BEN, transfer(BEN)).invalid(Field::User);
    handed().when(BEN, transfer(DAN)).refused(missing(NO_MEMBER));
    let owners = given(group()).done(
        ANN,
        ConversationCommand::ChangeRole {
            user: user(BEN),
            role: Role::Owner,
        },
    );
    owners.when(ANN, transfer(BEN)).conflicts();
}
