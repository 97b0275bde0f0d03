use crate::harness::*;
use chrono::{DateTime, TimeDelta, Utc};
use tidings_domain::event::{GroupRenamed, GroupSettingsChanged, MemberRemoved, PinChanged};
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, Past, PastMember, Role, SettingsChange, Who};
use uuid::Uuid;

/// When the event at `seq` happens.
fn second(seq: u64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seq as i64)
}

/// What these events, from seq 1 on, come to, each a second behind the one before.
fn past(events: &[ConversationEvent]) -> Past {
    let mut past = Past::default();
    for (seq, event) in (1..).zip(events) {
        past.evolve(event, seq, second(seq));
    }
    past
}

fn removed(n: u128) -> ConversationEvent {
    ConversationEvent::MemberRemoved(MemberRemoved { user: user(n) })
}

fn renamed(to: &str) -> ConversationEvent {
    ConversationEvent::GroupRenamed(GroupRenamed { name: name(to) })
}

fn pinned(seq: u64, on: bool) -> ConversationEvent {
    ConversationEvent::PinChanged(PinChanged {
        message: Uuid::from_u128(u128::from(seq)),
        message_seq: seq,
        on,
    })
}

/// Ids, roles and since when.
fn members(past: &Past) -> Vec<(u128, Role, i64)> {
    let members = past.members();
    let told = members.map(|(user, PastMember { role, joined_at })| {
        let seconds = (joined_at - DateTime::UNIX_EPOCH).num_seconds();
        (user.0.as_u128(), role, seconds)
    });
    told.collect()
}

#[test]
fn nothing_was_before_the_first_event() {
    let past = past(&[]);
    assert_eq!(
        (past.begun_at(), past.changed_at(), past.name()),
        (None, None, None)
    );
    assert!(members(&past).is_empty());
}

#[test]
fn members_come_go_and_come_back_with_the_time_of_their_latest_joining() {
    let events = [
        group(),
        vec![role(BEN, Role::Admin), removed(CAT), left(BEN), added(BEN)],
    ]
    .concat();
    assert_eq!(
        members(&past(&events[..2])),
        [
            (ANN, Role::Owner, 1),
            (BEN, Role::Admin, 1),
            (CAT, Role::Member, 1)
        ]
    );
    assert_eq!(members(&past(&events[..4])), [(ANN, Role::Owner, 1)]);
    assert_eq!(
        members(&past(&events)),
        [(ANN, Role::Owner, 1), (BEN, Role::Member, 5)]
    );
}

#[test]
fn it_has_the_name_and_the_settings_of_then() {
    let change = SettingsChange {
        post: Some(Who::Admins),
        ..SettingsChange::default()
    };
    let set = ConversationEvent::GroupSettingsChanged(GroupSettingsChanged { settings: change });
    let events = [group(), vec![renamed("enemies"), set]].concat();
    let (before, after) = (past(&events[..1]), past(&events));
    let named = |past: &Past| past.name().map(|name| name.as_str().to_owned());
    assert_eq!(named(&before).as_deref(), Some("friends"));
    assert_eq!(named(&after).as_deref(), Some("enemies"));
    assert_eq!(
        (before.settings().post, after.settings().post),
        (Who::Members, Who::Admins)
    );
    assert_eq!(
        (after.begun_at(), after.changed_at()),
        (Some(second(1)), Some(second(3)))
    );
    assert!(!after.is_direct() && past(&direct()).is_direct());
}

#[test]
fn what_was_pinned_last_comes_first_and_a_pin_again_keeps_its_place() {
    let events = [
        group(),
        vec![
            pinned(20, true),
            pinned(21, true),
            pinned(20, true),
            pinned(21, false),
            pinned(22, true),
        ],
    ]
    .concat();
    let pins = |past: Past| past.pins().collect::<Vec<_>>();
    assert_eq!(pins(past(&events[..4])), [21, 20]);
    assert_eq!(pins(past(&events)), [22, 20]);
    // Pins do not bring a conversation to the top.
    assert_eq!(past(&events).changed_at(), Some(second(1)));
}

/// The state that decisions are made on has the same members, in the same roles.
#[test]
fn it_agrees_with_the_state_of_decisions() {
    let events = [
        group(),
        vec![
            added(DAN),
            role(DAN, Role::Owner),
            left(ANN),
            removed(CAT),
            added(CAT),
            role(BEN, Role::Admin),
        ],
    ]
    .concat();
    for end in 0..=events.len() {
        let (past, state) = (past(&events[..end]), fold(&events[..end]));
        let roles: Vec<_> = past.members().map(|(user, member)| (user, member.role)).collect();
        assert_eq!(roles.len(), state.member_count());
        for (user, role) in roles {
            assert_eq!(state.role(user), Some(role));
        }
    }
}

#[test]
fn what_it_is_not_told_of_changes_nothing_of_it() {
    let told = [
        Kind::DIRECT_OPENED,
        Kind::GROUP_CREATED,
        Kind::MEMBER_ADDED,
        Kind::MEMBER_REMOVED,
        Kind::MEMBER_LEFT,
        Kind::GROUP_RENAMED,
        Kind::ROLE_CHANGED,
        Kind::GROUP_SETTINGS_CHANGED,
        Kind::PIN_CHANGED,
    ];
    for kind in told {
        assert!(!Past::UNTOLD.contains(&kind), "{kind:?}");
    }
    // Every other control event of a conversation is among them, so that one of a later version is folded or refused.
    for kind in Kind::ALL
        .into_iter()
        .filter(|kind| (kind.0 < 64 || *kind == Kind::MESSAGE_WITHHELD) && kind.is_control())
    {
        assert!(told.contains(&kind) || Past::UNTOLD.contains(&kind), "{kind:?}");
    }
}
