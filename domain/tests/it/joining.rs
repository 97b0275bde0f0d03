use crate::harness::*;
use chrono::{DateTime, TimeDelta};
use tidings_domain::event::{
    GroupAnswered, GroupAsked, InvitationAccepted, JoinAnswered, JoinRefused, JoinRequested, Registered,
};
use tidings_domain::{
    ASKED_TOLD_MAX, ConversationCommand, ConversationEvent, ConversationId, DOORKEEPERS_MAX, Field,
    JOIN_REQUEST_SECONDS, JOIN_REQUESTS_MAX, Join, OPEN_MAX, Regard, Rejection, Role, SettingsChange, Stream,
    Told, User, UserCommand, UserEvent,
};
use uuid::Uuid;

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
    asked().when(ANN, approve(DAN)).then([let_in(DAN)]);
    let refused = ConversationEvent::JoinRefused(JoinRefused { user: user(DAN) });
    asked().when(ANN, refuse(DAN)).then([refused]);
    let not_found = missing(NO_REQUEST);
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
    for (is_blocked, blocks) in [(false, false), (true, false), (false, true)] {
        let regard = Regard {
            settings: tidings_domain::Settings {
                add_me: tidings_domain::Audience::Nobody,
                ..tidings_domain::Settings::default()
            },
            is_blocked,
            blocks,
            ..Regard::default()
        };
        let strange = set(Join::Request).with_regard(ANN, DAN, regard);
        let add = || ConversationCommand::AddMember { user: user(DAN) };
        let own = Rejection::Denied {
            field: Field::User,
            reason: "you have blocked this user",
        };
        let refusal = if blocks { own } else { denied.clone() };
        strange.when(ANN, add()).refused(refusal);
        for answer in [add(), approve(DAN)] {
            let asked = set(Join::Request).with_regard(ANN, DAN, regard).done(DAN, join());
            asked.when(ANN, answer).then([let_in(DAN)]);
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
        .refused(missing("this user is not invited"));
    let taken = asked().done(DAN, back()).written(0);
    taken.when(DAN, back()).refused(Rejection::NotAMember);
    taken.when(ANN, approve(DAN)).refused(missing(NO_REQUEST));
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
    asked.when(ANN, approve(DAN)).refused(missing(NO_REQUEST));
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
    waiting().when(ANN, approve(DAN)).then([let_in(DAN)]);
    let over = || asked().written(life);
    over().when(DAN, join()).then([requested]);
    for answer in [approve(DAN), refuse(DAN)] {
        over().when(ANN, answer).refused(missing(NO_REQUEST));
    }
    // Another request makes room for itself.
    let again = over().done(DAN, join()).written(0);
    again.when(ANN, approve(DAN)).then([let_in(DAN)]);
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

#[test]
fn who_comes_in_otherwise_than_by_an_answer_is_said_to_have_waited() {
    let add = || ConversationCommand::AddMember { user: user(DAN) };
    given(group()).when(ANN, add()).then([added(DAN)]);
    let asked = || set(Join::Request).done(DAN, join());
    asked().when(ANN, add()).then([let_in(DAN)]);
    let open = SettingsChange {
        join: Some(Join::Open),
        ..SettingsChange::default()
    };
    let opened = || asked().done(ANN, ConversationCommand::ChangeSettings(open));
    opened().when(DAN, join()).then([came_unanswered(DAN, None)]);
    let proof = Uuid::from_u128(7);
    let link = ConversationCommand::CreateLink {
        proof,
        seconds: 60,
        uses: None,
    };
    // The link has the id that the harness gives every command.
    asked()
        .done(ANN, link)
        .when(DAN, ConversationCommand::JoinByLink { proof })
        .then([came_unanswered(DAN, Some(Uuid::from_u128(99)))]);
    let accepted = ConversationEvent::InvitationAccepted(InvitationAccepted { user: user(DAN) });
    asked()
        .done(ANN, ConversationCommand::Invite { user: user(DAN) })
        .when(DAN, ConversationCommand::AcceptInvitation)
        .then([accepted, came_unanswered(DAN, None)]);
    // Whose request was over by then waited no more.
    let over = opened().written(i64::from(JOIN_REQUEST_SECONDS));
    over.when(DAN, join()).then([added(DAN)]);
}

#[test]
fn owners_and_admins_are_told_that_somebody_asks_unless_they_are_muted() {
    let muted = |n| {
        ConversationEvent::MemberMuted(tidings_domain::event::MemberMuted {
            user: user(n),
            on: true,
            until: None,
        })
    };
    let requested = ConversationEvent::JoinRequested(JoinRequested { user: user(DAN) });
    let mut state = fold(&group());
    assert_eq!(state.doorkeepers(NOW), [user(ANN)]);
    for n in [CAT, BEN] {
        state.evolve(&role(n, Role::Admin));
    }
    // Owners first; those who came in together, in the order of their ids.
    assert_eq!(state.doorkeepers(NOW), [user(ANN), user(BEN), user(CAT)]);
    state.evolve(&muted(BEN));
    assert_eq!(state.doorkeepers(NOW), [user(ANN), user(CAT)]);
    assert_eq!(state.resting_doorkeepers(NOW), [user(BEN)]);
    state.evolve(&requested);
    assert!(state.is_asked_by(user(DAN), NOW) && !state.is_asked_by(user(BEN), NOW));
    state.evolve(&let_in(DAN));
    assert!(!state.is_asked_by(user(DAN), NOW));
}

#[test]
fn of_many_owners_and_admins_only_so_many_are_told() {
    let mut state = fold(&group());
    for n in 0..DOORKEEPERS_MAX as u128 {
        state.evolve(&added(1_000 + n));
        state.evolve(&role(1_000 + n, Role::Admin));
    }
    let keepers = state.doorkeepers(NOW);
    assert_eq!((keepers.len(), keepers[0]), (DOORKEEPERS_MAX, user(ANN)));
}

const NOW: DateTime<chrono::Utc> = DateTime::UNIX_EPOCH;
const GROUP: ConversationId = ConversationId(Uuid::from_u128(500));

fn asks(n: u128, until: i64) -> Told {
    Told::Asked(GroupAsked {
        conversation: GROUP,
        user: user(n),
        until: DateTime::from_timestamp(until, 0).unwrap().into(),
        seq: None,
    })
}

fn answered() -> Told {
    Told::Answered(GroupAnswered {
        conversation: GROUP,
        seq: None,
    })
}

/// The same of a request, and of an answer, that stand in the group at a seq.
fn placed(told: Told, seq: u64) -> Told {
    let seq = Some(seq);
    match told {
        Told::Asked(asked) => Told::Asked(GroupAsked { seq, ..asked }),
        Told::Answered(answered) => Told::Answered(GroupAnswered { seq, ..answered }),
        other => other,
    }
}

fn somebody() -> User {
    let mut state = User::default();
    state.evolve(&UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }));
    state
}

/// What somebody is told of it, at a time.
fn hear(state: &mut User, told: Told, at: i64) -> usize {
    let at = DateTime::from_timestamp(at, 0).unwrap();
    let events = state.decide(UserCommand::Tell(told), at).unwrap();
    for event in &events {
        state.evolve(event);
    }
    events.len()
}

#[test]
fn somebody_is_told_of_one_who_asks_and_of_others_when_all_were_answered_or_a_day_later() {
    let mut state = somebody();
    assert_eq!(hear(&mut state, answered(), 0), 0, "they were told of nobody");
    assert_eq!(hear(&mut state, asks(DAN, 100), 0), 1);
    assert_eq!(state.entry_count(), 1);
    let stream = Stream::User(state.clone());
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
    for n in 5..1_000 {
        assert_eq!(hear(&mut state, asks(n, 200), 99), 0);
    }
    assert_eq!(hear(&mut state, asks(5, 200), 100), 1);
    assert_eq!(hear(&mut state, answered(), 101), 1);
    assert_eq!(hear(&mut state, answered(), 101), 0);
    assert_eq!(hear(&mut state, asks(6, 200), 102), 1);
    // What they have asked themselves is theirs to know, each time.
    let let_in = Told::JoinAnswered(JoinAnswered {
        conversation: GROUP,
        approved: true,
    });
    assert_eq!(hear(&mut state, let_in, 103), 1);
}

#[test]
fn an_answer_that_is_told_again_ends_no_notice_of_whoever_asked_behind_it() {
    let mut state = somebody();
    assert_eq!(hear(&mut state, placed(asks(DAN, 100), 12), 0), 1);
    let stream = Stream::User(state.clone());
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
    assert_eq!(hear(&mut state, placed(answered(), 11), 1), 0);
    assert_eq!(hear(&mut state, placed(answered(), 13), 1), 1);
    // Of what was told before places were known, every answer is the end, and what is told without one ends all.
    assert_eq!(hear(&mut state, asks(DAN, 100), 2), 1);
    assert_eq!(hear(&mut state, placed(answered(), 11), 2), 1);
    assert_eq!(hear(&mut state, placed(asks(DAN, 100), 14), 3), 1);
    assert_eq!(hear(&mut state, answered(), 3), 1);
}

#[test]
fn somebody_is_told_only_so_often_in_a_day_however_often_all_are_answered() {
    const DAY: i64 = 24 * 60 * 60;
    let mut state = somebody();
    let mut count = 0;
    for at in 0..100 {
        count += hear(&mut state, asks(DAN, at + DAY), at);
        count += hear(&mut state, answered(), at);
    }
    assert_eq!(count, 2 * ASKED_TOLD_MAX);
    assert_eq!(state.entry_count(), 1);
    let stream = Stream::User(state.clone());
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
    assert_eq!(hear(&mut state, asks(DAN, 2 * DAY), DAY - 1), 0);
    // The first was told a day ago, and the second was not.
    assert_eq!(hear(&mut state, asks(DAN, 2 * DAY), DAY), 1);
    assert_eq!(hear(&mut state, answered(), DAY), 1);
    assert_eq!(hear(&mut state, asks(DAN, 2 * DAY), DAY), 0);
}

#[test]
fn of_many_groups_the_one_whose_last_notice_is_over_first_is_forgotten() {
    let mut state = somebody();
    for n in 0..=OPEN_MAX as u128 {
        let asked = Told::Asked(GroupAsked {
            conversation: ConversationId(Uuid::from_u128(n)),
            user: user(DAN),
            until: DateTime::from_timestamp(1_000 + n as i64, 0).unwrap().into(),
            seq: None,
        });
        assert_eq!(hear(&mut state, asked, 0), 1);
    }
    assert_eq!(state.entry_count(), OPEN_MAX);
    let answered = |n| {
        Told::Answered(GroupAnswered {
            conversation: ConversationId(Uuid::from_u128(n)),
            seq: None,
        })
    };
    assert_eq!(hear(&mut state, answered(0), 0), 0);
    assert_eq!(hear(&mut state, answered(1), 0), 1);
}

#[test]
fn who_had_asked_before_an_event_is_told_by_its_place_wherever_the_logs_time_is() {
    let asks = |n| ConversationEvent::JoinRequested(JoinRequested { user: user(n) });
    let refused = ConversationEvent::JoinRefused(JoinRefused { user: user(DAN) });
    let (now, other) = (DateTime::from_timestamp(1_800_000_000, 0).unwrap(), PEOPLE + 1);
    let mut written = Stream::default();
    let mut seq = 0;
    for event in group().into_iter().chain([asks(DAN), refused, asks(other)]) {
        seq += 1;
        written.evolve_at(&event.into(), seq);
        // All of it lies ahead, and counts as happening now.
        written.date(now);
    }
    let thawed = Stream::thaw(&written.freeze()).unwrap();
    for stream in [written, thawed] {
        let Stream::Conversation(group) = stream else {
            panic!("no conversation");
        };
        let before = |seq| group.asked_before(seq, now).collect::<Vec<_>>();
        // The answer, the request behind it, and what comes next.
        assert!(before(seq - 1).is_empty() && before(seq).is_empty());
        assert_eq!(before(seq + 1), [user(other)]);
        // Who waits no more is none of them.
        let over = now + TimeDelta::seconds(i64::from(JOIN_REQUEST_SECONDS));
        assert_eq!(group.asked_before(seq + 1, over).count(), 0);
    }
}
