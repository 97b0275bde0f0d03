use crate::harness::*;
use chrono::DateTime;
use tidings_domain::event::{LinkCreated, LinkRevoked, MemberAdded, MemberBanned, MemberRemoved};
use tidings_domain::{
    CommandId, ConversationCommand, ConversationEvent, DigestKey, Field, LINKS_MAX, LinkSecret, Rejection,
    Role, SettingsChange, Who,
};
use uuid::Uuid;

const PROOF: Uuid = Uuid::from_u128(7);
/// The id that the harness gives every command.
const LINK: Uuid = Uuid::from_u128(99);

fn link(seconds: u32, uses: Option<u32>) -> ConversationCommand {
    ConversationCommand::CreateLink {
        proof: PROOF,
        seconds,
        uses,
    }
}

fn created(n: u128, proof: Uuid, uses: Option<u32>) -> ConversationEvent {
    ConversationEvent::LinkCreated(LinkCreated {
        link: Uuid::from_u128(n),
        proof,
        by: user(ANN),
        until: DateTime::from_timestamp(60, 0).unwrap().into(),
        uses,
    })
}

fn come() -> ConversationCommand {
    ConversationCommand::JoinByLink { proof: PROOF }
}

fn came(n: u128) -> ConversationEvent {
    ConversationEvent::MemberAdded(MemberAdded {
        user: user(n),
        role: Role::Member,
        link: Some(LINK),
        asked: false,
        waited: false,
    })
}

const NONE: Rejection = Rejection::NotFound(Field::Secret);

#[test]
fn a_link_lets_in_so_often_and_no_more() {
    given(group())
        .when(ANN, link(60, Some(2)))
        .then([created(99, PROOF, Some(2))]);
    let made = || given(group()).done(ANN, link(60, Some(2)));
    made().when(DAN, come()).then([came(DAN)]);
    // What stands before in the same batch counts.
    let used = || made().done(DAN, come()).done(5, come());
    used().when(6, come()).refused(NONE);
    let unlimited = (10..60).fold(given(group()).done(ANN, link(60, None)), |given, n| {
        given.done(n, come())
    });
    unlimited.when(60, come()).then([came(60)]);
}

#[test]
fn what_is_over_revoked_or_unknown_is_not_found_for_anybody() {
    let made = || given(group()).done(ANN, link(60, None));
    assert!(made().after(59).when(DAN, come()).0.is_ok());
    made().after(60).when(DAN, come()).refused(NONE);
    let revoke = ConversationCommand::RevokeLink { link: LINK };
    let revoked = ConversationEvent::LinkRevoked(LinkRevoked { link: LINK });
    made().when(ANN, revoke.clone()).then([revoked]);
    made().done(ANN, revoke.clone()).when(DAN, come()).refused(NONE);
    made()
        .done(ANN, revoke.clone())
        .when(ANN, revoke)
        .refused(Rejection::NotFound(Field::Link));
    given(group()).when(DAN, come()).refused(NONE);
    given(direct()).when(DAN, come()).refused(NONE);
    given([]).when(DAN, come()).refused(NONE);
}

#[test]
fn who_is_in_or_banned_does_not_come_in_by_it() {
    let made = || given(group()).done(ANN, link(60, Some(1)));
    made().when(BEN, come()).conflicts();
    let ban = ConversationCommand::Ban {
        user: user(DAN),
        until: None,
        reason: None,
    };
    made().done(ANN, ban).when(DAN, come()).forbidden();
    made().with_room(DAN, 0).when(DAN, come()).conflicts();
}

#[test]
fn members_make_links_where_they_may_add_people_and_revoke_their_own() {
    let invite = SettingsChange {
        invite: Some(Who::Members),
        ..SettingsChange::default()
    };
    let open = || given(group()).done(ANN, ConversationCommand::ChangeSettings(invite));
    given(group()).when(BEN, link(60, None)).forbidden();
    let revoke = ConversationCommand::RevokeLink { link: LINK };
    let made = || open().done(BEN, link(60, None));
    assert!(made().when(BEN, revoke.clone()).0.is_ok());
    made().when(CAT, revoke.clone()).forbidden();
    assert!(made().when(ANN, revoke).0.is_ok());
}

#[test]
fn what_cannot_be_is_refused_by_its_field() {
    for seconds in [0, 30 * 24 * 60 * 60 + 1] {
        given(group())
            .when(ANN, link(seconds, None))
            .invalid(Field::ExpiresInS);
    }
    for uses in [0, 10_001] {
        given(group())
            .when(ANN, link(60, Some(uses)))
            .invalid(Field::Uses);
    }
    let links = (0..LINKS_MAX as u128).map(|n| created(1000 + n, Uuid::from_u128(n + 20), None));
    let full = || given(group().into_iter().chain(links.clone()));
    full().when(ANN, link(60, None)).conflicts();
    // Those that are over make room.
    assert!(full().after(60).when(ANN, link(60, None)).0.is_ok());
}

#[test]
fn a_secret_is_the_same_each_time_and_says_where_it_leads() {
    let key = DigestKey::new(b"a secret");
    let of = |n| LinkSecret::of(&key, CONVERSATION, user(ANN), CommandId(Uuid::from_u128(n)));
    assert!(of(1) == of(1) && of(1) != of(2) && of(1).proof() != of(2).proof());
    let spelled = of(1).spell(CONVERSATION);
    assert_eq!(LinkSecret::read(&spelled), Some((CONVERSATION, of(1))));
    for none in [
        "",
        "x",
        &spelled[1..],
        &format!("{spelled}0"),
        &"ä".repeat(32),
        &"z".repeat(64),
    ] {
        assert_eq!(LinkSecret::read(none), None, "{none}");
    }
    assert_eq!(format!("{:?}", of(1)), "LinkSecret(..)");
}

#[test]
fn whoever_goes_leaves_no_door_open() {
    let theirs = |n: u128, by: u128| {
        ConversationEvent::LinkCreated(LinkCreated {
            link: Uuid::from_u128(n),
            proof: Uuid::from_u128(n),
            by: user(by),
            until: DateTime::from_timestamp(60, 0).unwrap().into(),
            uses: None,
        })
    };
    let made = || {
        given(
            group()
                .into_iter()
                .chain([theirs(1, BEN), theirs(2, ANN), theirs(3, BEN)]),
        )
    };
    let revoked = [1, 3].map(|n| {
        ConversationEvent::LinkRevoked(LinkRevoked {
            link: Uuid::from_u128(n),
        })
    });
    let removed = ConversationEvent::MemberRemoved(MemberRemoved { user: user(BEN) });
    let banned = ConversationEvent::MemberBanned(MemberBanned {
        user: user(BEN),
        until: None,
        reason: None,
    });
    let ban = || ConversationCommand::Ban {
        user: user(BEN),
        until: None,
        reason: None,
    };
    let remove = || ConversationCommand::RemoveMember { user: user(BEN) };
    let both = revoked.clone().into_iter().chain([removed]);
    made().when(ANN, remove()).then(both.clone());
    made().when(ANN, ban()).then(both.chain([banned]));
    let come = |n| ConversationCommand::JoinByLink {
        proof: Uuid::from_u128(n),
    };
    made().done(ANN, ban()).when(DAN, come(1)).refused(NONE);
    // Nor does whoever leaves, and those of others stay.
    let leave = || ConversationCommand::Leave;
    made()
        .when(BEN, leave())
        .then(revoked.into_iter().chain([left(BEN)]));
    let gone = made().done(BEN, leave());
    gone.when(DAN, come(1)).refused(NONE);
    gone.when(DAN, come(2))
        .then([ConversationEvent::MemberAdded(MemberAdded {
            user: user(DAN),
            role: Role::Member,
            link: Some(Uuid::from_u128(2)),
            asked: false,
            waited: false,
        })]);
}
