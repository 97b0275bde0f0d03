use crate::harness::*;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use tidings_domain::conversation::invitation::INVITATION_SECONDS;
use tidings_domain::event::{
    AttachmentRemoved, Avatar, CursorsMoved, InvitationSent, InvitationWithdrawn, JoinRefused, JoinRequested,
    LinkCreated, LinkRevoked, PairChanged, ProfileUpdated, Registered, SettingsUpdated,
};
use tidings_domain::{
    AccountDeleted, Audience, Change, ConversationCommand, ConversationEvent, DELETED_NAME, DeletedBy, Facts,
    Field, Pair, PairCommand, Rejection, Role, Stream, Told, User, UserCommand, UserEvent,
};
use uuid::Uuid;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const DEPART: ConversationCommand = ConversationCommand::Depart;

fn deleted() -> AccountDeleted {
    AccountDeleted {
        by: DeletedBy::Person,
        name_freed: false,
    }
}

fn registered() -> User {
    let mut user = User::default();
    user.evolve(&UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }));
    user
}

/// Ann, whose account is deleted.
fn gone() -> User {
    let mut user = registered();
    for event in user.decide(UserCommand::Delete(deleted()), NOW).unwrap() {
        user.evolve(&event);
    }
    user
}

fn invited(n: u128, by: u128) -> ConversationEvent {
    ConversationEvent::InvitationSent(InvitationSent {
        user: user(n),
        by: user(by),
        until: DateTime::from_timestamp(INVITATION_SECONDS.into(), 0)
            .unwrap()
            .into(),
        name: name("friends"),
    })
}

#[test]
fn who_has_no_account_any_more_shows_nothing_and_lets_nobody_in() {
    let events = registered().decide(UserCommand::Delete(deleted()), NOW).unwrap();
    let [
        UserEvent::ProfileUpdated(shown),
        UserEvent::SettingsUpdated(wanted),
        UserEvent::AccountDeleted(said),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(*said, deleted());
    let name = shown
        .display_name
        .as_ref()
        .map(tidings_domain::DisplayName::as_str);
    assert_eq!(name, Some(DELETED_NAME));
    assert_eq!(shown.about.as_ref().map(tidings_domain::About::as_str), Some(""));
    assert_eq!(shown.avatar, Some(Avatar(None)));
    let nobody = Some(Audience::Nobody);
    assert_eq!(
        *wanted,
        SettingsUpdated {
            receipts: Some(false),
            last_seen: nobody,
            direct: nobody,
            add_me: nobody,
        }
    );
}

#[test]
fn an_account_is_deleted_once_and_only_where_there_is_one() {
    assert!(gone().is_deleted() && !registered().is_deleted());
    assert_eq!(gone().decide(UserCommand::Delete(deleted()), NOW), Ok(vec![]));
    assert_eq!(
        User::default().decide(UserCommand::Delete(deleted()), NOW),
        Err(Rejection::NotFound(Field::User))
    );
}

#[test]
fn nobody_is_told_anything_any_more_and_nobody_wishes_for_anything() {
    let told = Told::Removed(tidings_domain::event::ContactRemoved {
        user: user(BEN),
        by: user(BEN),
    });
    assert_eq!(gone().decide(UserCommand::Tell(told), NOW), Ok(vec![]));
    let matter = tidings_domain::event::AccountMatter::PasswordChanged;
    assert_eq!(gone().decide(UserCommand::TellOfAccount(matter), NOW), Ok(vec![]));
    let read = UserCommand::MoveCursors {
        moved: CursorsMoved::default(),
        known: CursorsMoved::default(),
        read: BTreeSet::new(),
    };
    assert_eq!(gone().decide(read, NOW), Ok(vec![]));
    for wish in [
        UserCommand::UpdateProfile(ProfileUpdated::default()),
        UserCommand::UpdateSettings(SettingsUpdated::default()),
    ] {
        assert_eq!(gone().decide(wish, NOW), Err(Rejection::NotFound(Field::User)));
    }
    // What they have stored can still be cleared away.
    let removed = AttachmentRemoved {
        attachment: Uuid::from_u128(5),
        size: 1,
    };
    let removing = UserCommand::RemoveAttachment(removed.clone());
    assert_eq!(
        gone().decide(removing, NOW),
        Ok(vec![UserEvent::AttachmentRemoved(removed)])
    );
}

#[test]
fn a_deleted_user_that_was_frozen_is_deleted_as_before() {
    let stream = Stream::User(gone());
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
}

#[test]
fn a_group_loses_who_is_deleted_with_what_they_handed_out_and_goes_to_an_heir() {
    let link = Uuid::from_u128(90);
    let created = ConversationEvent::LinkCreated(LinkCreated {
        link,
        proof: link,
        by: user(ANN),
        until: DateTime::from_timestamp(1000, 0).unwrap().into(),
        uses: None,
    });
    let mut events = group();
    events.extend([created, invited(DAN, ANN), role(CAT, Role::Admin)]);
    given(events).when(ANN, DEPART).then([
        ConversationEvent::LinkRevoked(LinkRevoked { link }),
        ConversationEvent::InvitationWithdrawn(InvitationWithdrawn {
            user: user(DAN),
            by: Some(user(ANN)),
        }),
        left(ANN),
        role(CAT, Role::Owner),
    ]);
    given(group()).when(BEN, DEPART).then([left(BEN)]);
}

#[test]
fn who_is_deleted_is_asked_in_no_more_and_waits_at_no_door() {
    let mut events = group();
    events.extend([invited(DAN, ANN), invited(DAN, BEN)]);
    let withdrawn = ConversationEvent::InvitationWithdrawn(InvitationWithdrawn {
        user: user(DAN),
        by: None,
    });
    given(events).when(DAN, DEPART).then([withdrawn]);
    let mut events = group();
    events.push(ConversationEvent::JoinRequested(JoinRequested {
        user: user(DAN),
    }));
    let refused = ConversationEvent::JoinRefused(JoinRefused { user: user(DAN) });
    given(events).when(DAN, DEPART).then([refused]);
}

#[test]
fn where_nobody_is_lost_nothing_happens() {
    given(group()).when(DAN, DEPART).then([]);
    given([]).when(DAN, DEPART).then([]);
    // Who is left reads on.
    given(direct()).when(ANN, DEPART).then([]);
}

/// What becomes of two people of whom Ann's account is deleted.
fn departed(mut pair: Pair, events: &[(u128, u128, Change)]) -> (Vec<PairChanged>, Pair) {
    for (by, to, change) in events {
        pair.evolve(&PairChanged {
            by: user(*by),
            user: user(*to),
            change: change.clone(),
            heard: true,
            only: None,
        });
    }
    // Ben need not be there either.
    let changes = pair
        .decide(
            (user(ANN), user(BEN)),
            &PairCommand::Depart,
            &Facts::default(),
            NOW,
        )
        .unwrap();
    for change in &changes {
        pair.evolve(change);
    }
    (changes, pair)
}

fn changed(by: u128, to: u128, change: Change, heard: bool) -> PairChanged {
    PairChanged {
        by: user(by),
        user: user(to),
        change,
        heard,
        only: None,
    }
}

#[test]
fn all_that_stood_between_two_people_ends_and_who_is_gone_keeps_to_themselves() {
    let keeps = || changed(ANN, BEN, Change::Blocked { on: true }, false);
    let request = || Change::Requested { text: None };
    for (before, ends) in [
        (vec![], vec![]),
        (
            vec![(ANN, BEN, request()), (BEN, ANN, Change::Accepted)],
            vec![changed(ANN, BEN, Change::Removed, true)],
        ),
        (
            vec![(ANN, BEN, request())],
            vec![changed(ANN, BEN, Change::Withdrawn, true)],
        ),
        (
            vec![(BEN, ANN, request())],
            vec![changed(BEN, ANN, Change::Withdrawn, false)],
        ),
        (
            vec![(BEN, ANN, Change::Blocked { on: true })],
            vec![changed(BEN, ANN, Change::Blocked { on: false }, false)],
        ),
    ] {
        let (changes, pair) = departed(Pair::default(), &before);
        let wanted: Vec<PairChanged> = ends.into_iter().chain([keeps()]).collect();
        assert_eq!(changes, wanted);
        assert!(!pair.are_contacts() && pair.blocks(user(ANN), user(BEN)));
        assert!(!pair.blocks(user(BEN), user(ANN)));
        assert!(departed(pair, &[]).0.is_empty());
    }
}

#[test]
fn what_somebody_waits_for_ends_also_when_the_other_one_is_gone() {
    let mut pair = Pair::default();
    pair.evolve(&changed(BEN, ANN, Change::Requested { text: None }, true));
    let nobody = Facts::default();
    let decide = |command: &PairCommand| pair.decide((user(BEN), user(ANN)), command, &nobody, NOW);
    assert_eq!(
        decide(&PairCommand::Withdraw),
        Ok(vec![changed(BEN, ANN, Change::Withdrawn, true)])
    );
    assert_eq!(
        decide(&PairCommand::Request { text: None }),
        Err(Rejection::NotFound(Field::User))
    );
}

#[test]
fn nobody_writes_to_who_is_gone() {
    let (_, pair) = departed(Pair::default(), &[]);
    let mut facts = Facts::default();
    facts.set_pair(pair);
    let command = tidings_domain::Command {
        id: COMMAND,
        actor: user(BEN),
        conversation: CONVERSATION,
        body: say("are you there?"),
    };
    let refused = fold(&direct()).decide(&command, &facts, NOW);
    assert!(matches!(refused, Err(Rejection::Forbidden(_))), "{refused:?}");
}
