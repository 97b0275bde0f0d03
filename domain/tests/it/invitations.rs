use crate::harness::*;
use chrono::{DateTime, TimeDelta};
use tidings_domain::conversation::invitation::{DECLINED_SECONDS, INVITATION_SECONDS, INVITERS_MAX};
use tidings_domain::conversation::taken_back::{INVITATIONS_TAKEN_BACK_MAX, TAKEN_BACK_SECONDS};
use tidings_domain::event::{
    GroupInvited, GroupRenamed, InvitationAccepted, InvitationDeclined, InvitationEnded, InvitationSent,
    InvitationWithdrawn, MemberBanned, MemberRemoved, Registered,
};
use tidings_domain::{
    ConversationCommand, ConversationEvent, Ending, Event, Field, INVITATIONS_A_DAY, INVITATIONS_MAX, Join,
    OPEN_MAX, Regard, Rejection, Role, SettingsChange, Stream, Ties, Told, User, UserCommand, UserEvent, Who,
};
use uuid::Uuid;

fn invite(n: u128) -> ConversationCommand {
    ConversationCommand::Invite { user: user(n) }
}

fn withdraw(n: u128) -> ConversationCommand {
    ConversationCommand::WithdrawInvitation { user: user(n) }
}

const ACCEPT: ConversationCommand = ConversationCommand::AcceptInvitation;
const DECLINE: ConversationCommand = ConversationCommand::DeclineInvitation;

fn sent(n: u128, by: u128, called: &str) -> ConversationEvent {
    ConversationEvent::InvitationSent(InvitationSent {
        user: user(n),
        by: user(by),
        until: DateTime::from_timestamp(INVITATION_SECONDS.into(), 0)
            .unwrap()
            .into(),
        name: name(called),
    })
}

fn accepted(n: u128) -> ConversationEvent {
    ConversationEvent::InvitationAccepted(InvitationAccepted { user: user(n) })
}

/// By nobody any more.
fn withdrawn(n: u128) -> ConversationEvent {
    ConversationEvent::InvitationWithdrawn(InvitationWithdrawn {
        user: user(n),
        by: None,
    })
}

/// By that one no more.
fn withdrawn_by(n: u128, by: u128) -> ConversationEvent {
    ConversationEvent::InvitationWithdrawn(InvitationWithdrawn {
        user: user(n),
        by: Some(user(by)),
    })
}

fn set(change: SettingsChange) -> Given {
    given(group()).done(ANN, ConversationCommand::ChangeSettings(change))
}

/// Ann has invited Dan.
fn invited() -> Given {
    given(group()).done(ANN, invite(DAN))
}

#[test]
fn who_is_invited_is_told_the_name_of_the_group_and_comes_in_by_accepting() {
    given(group())
        .when(ANN, invite(DAN))
        .then([sent(DAN, ANN, "friends")]);
    let renamed = ConversationEvent::GroupRenamed(GroupRenamed {
        name: name("walkers"),
    });
    given(group().into_iter().chain([renamed]))
        .when(ANN, invite(DAN))
        .then([sent(DAN, ANN, "walkers")]);
    invited().when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
    let come = invited().done(DAN, ACCEPT);
    come.when(DAN, ACCEPT).conflicts();
    come.when(ANN, invite(DAN)).conflicts();
    come.when(ANN, withdraw(DAN))
        .refused(missing("this user is not invited"));
    assert!(come.when(DAN, say("hello")).0.is_ok());
}

#[test]
fn who_is_invited_is_no_member_until_then() {
    invited().when(DAN, say("hello")).refused(Rejection::NotAMember);
    invited().when(DAN, invite(5)).refused(Rejection::NotAMember);
    assert!(!fold(&[group().remove(0), sent(DAN, ANN, "friends")]).is_member(user(DAN)));
}

#[test]
fn to_who_is_not_invited_a_group_is_as_one_that_is_not_there() {
    let left = [ANN, BEN, CAT].into_iter().fold(invited(), |given, who| {
        given.done(who, ConversationCommand::Leave)
    });
    let nothing = [given(group()), given(direct()), given([]), left];
    for given in nothing {
        given.when(DAN, ACCEPT).refused(Rejection::NotAMember);
        given.when(DAN, DECLINE).refused(Rejection::NotAMember);
    }
    given(direct()).when(ANN, ACCEPT).invalid(Field::Conversation);
}

#[test]
fn who_has_declined_is_invited_again_a_week_later() {
    let declined = ConversationEvent::InvitationDeclined(InvitationDeclined { user: user(DAN) });
    invited().when(DAN, DECLINE).then([declined]);
    let week = i64::from(DECLINED_SECONDS);
    let declined = || invited().done(DAN, DECLINE).written(0);
    declined().when(DAN, ACCEPT).refused(Rejection::NotAMember);
    declined()
        .after(week - 1)
        .when(ANN, invite(DAN))
        .refused(Rejection::TooOften {
            field: Field::User,
            reason: "whoever has declined is invited again a week later",
            wait: TimeDelta::seconds(1),
        });
    assert!(declined().after(week).when(ANN, invite(DAN)).0.is_ok());
}

fn unanswered(wait: i64) -> Rejection {
    Rejection::TooOften {
        field: Field::User,
        reason: "who had no answer to three invitations invites again a week later",
        wait: TimeDelta::seconds(wait),
    }
}

#[test]
fn who_takes_invitations_back_without_an_answer_invites_again_a_week_later() {
    let week = i64::from(TAKEN_BACK_SECONDS);
    let admin = || given(group().into_iter().chain([role(BEN, Role::Admin)]));
    let again = |given: Given| given.done(ANN, invite(DAN)).done(ANN, withdraw(DAN)).written(0);
    let often = || (0..INVITATIONS_TAKEN_BACK_MAX).fold(admin(), |given, _| again(given));
    often().when(ANN, invite(DAN)).refused(unanswered(week));
    often()
        .after(week - 1)
        .when(ANN, invite(DAN))
        .refused(unanswered(1));
    assert!(often().after(week).when(ANN, invite(DAN)).0.is_ok());
    // What is not written yet counts, too.
    let at_once = (0..INVITATIONS_TAKEN_BACK_MAX).fold(admin(), |given, _| {
        given.done(ANN, invite(DAN)).done(ANN, withdraw(DAN))
    });
    at_once.when(ANN, invite(DAN)).refused(unanswered(week));
    // It keeps nobody else's away, and nobody else out.
    often().when(BEN, invite(DAN)).then([sent(DAN, BEN, "friends")]);
    assert!(often().when(ANN, invite(5)).0.is_ok());
    // Whoever answers is invited again.
    let remove = || ConversationCommand::RemoveMember { user: user(DAN) };
    let came = (1..INVITATIONS_TAKEN_BACK_MAX)
        .fold(admin(), |given, _| again(given))
        .done(ANN, invite(DAN))
        .done(DAN, ACCEPT)
        .done(ANN, remove())
        .written(0);
    again(came)
        .when(ANN, invite(DAN))
        .then([sent(DAN, ANN, "friends")]);
}

#[test]
fn who_leaves_and_comes_back_tells_nobody_without_end() {
    let week = i64::from(TAKEN_BACK_SECONDS);
    let open = SettingsChange {
        invite: Some(Who::Members),
        join: Some(Join::Open),
        ..SettingsChange::default()
    };
    let comes_back = (0..INVITATIONS_TAKEN_BACK_MAX).fold(set(open), |given, _| {
        given
            .done(BEN, invite(DAN))
            .done(BEN, ConversationCommand::Leave)
            .done(BEN, ConversationCommand::Join)
            .written(0)
    });
    comes_back.when(BEN, invite(DAN)).refused(unanswered(week));
    // What is over by itself is not counted.
    let days = i64::from(INVITATION_SECONDS);
    let over = (0..INVITATIONS_TAKEN_BACK_MAX).fold(given(group()), |given, _| {
        given.done(ANN, invite(DAN)).written(days)
    });
    assert!(over.when(ANN, invite(DAN)).0.is_ok());
}

#[test]
fn somebody_invites_so_many_in_a_day() {
    let sent = |invitations| Regard {
        ties: Ties {
            invitations,
            free_at: DateTime::from_timestamp(60, 0),
            ..Ties::default()
        },
        ..Regard::default()
    };
    let full = || given(group()).with_regard(ANN, DAN, sent(INVITATIONS_A_DAY));
    full().when(ANN, invite(DAN)).refused(Rejection::TooOften {
        field: Field::User,
        reason: "you have invited too many people today",
        wait: TimeDelta::minutes(1),
    });
    let nearly = given(group()).with_regard(ANN, DAN, sent(INVITATIONS_A_DAY - 1));
    assert!(nearly.when(ANN, invite(DAN)).0.is_ok());
    let command = tidings_domain::StreamCommand::Conversation(tidings_domain::Command {
        id: COMMAND,
        actor: user(ANN),
        conversation: CONVERSATION,
        body: invite(DAN),
    });
    assert_eq!(command.regards(), [user(DAN)]);
}

#[test]
fn those_who_may_add_people_invite_and_take_back_what_they_have_sent() {
    given(group()).when(BEN, invite(DAN)).forbidden();
    let everybody = || {
        set(SettingsChange {
            invite: Some(Who::Members),
            ..SettingsChange::default()
        })
    };
    let by_ben = || everybody().done(BEN, invite(DAN));
    by_ben().when(CAT, withdraw(DAN)).forbidden();
    by_ben().when(BEN, withdraw(DAN)).then([withdrawn_by(DAN, BEN)]);
    by_ben().when(ANN, withdraw(DAN)).then([withdrawn(DAN)]);
    let gone = by_ben().done(BEN, withdraw(DAN));
    gone.when(DAN, ACCEPT).refused(Rejection::NotAMember);
    gone.when(BEN, withdraw(DAN))
        .refused(missing("this user is not invited"));
    let muted = ConversationCommand::MuteMember {
        user: user(BEN),
        on: true,
        until: None,
    };
    everybody()
        .done(ANN, muted)
        .when(BEN, invite(DAN))
        .refused(Rejection::Muted { wait: None });
}

#[test]
fn members_strangers_and_the_banned_are_not_invited_and_nobody_twice() {
    given(group()).when(ANN, invite(BEN)).conflicts();
    given(group()).when(ANN, invite(ANN)).conflicts();
    given(group())
        .when(ANN, invite(PEOPLE + 1))
        .refused(Rejection::NotFound(Field::User));
    given(direct())
        .when(ANN, invite(DAN))
        .invalid(Field::Conversation);
    let ban = || ConversationCommand::Ban {
        user: user(DAN),
        until: None,
        reason: None,
    };
    let banned = given(group()).done(ANN, ban());
    let refused = banned.when(ANN, invite(DAN)).0;
    assert!(
        matches!(
            refused,
            Err(Rejection::Denied {
                field: Field::User,
                ..
            })
        ),
        "{refused:?}"
    );
    invited().when(ANN, invite(DAN)).then([]);
    // A ban ends what is open.
    let put_out = ConversationEvent::MemberBanned(MemberBanned {
        user: user(DAN),
        until: None,
        reason: None,
    });
    invited().when(ANN, ban()).then([withdrawn(DAN), put_out]);
    invited()
        .done(ANN, ban())
        .when(DAN, ACCEPT)
        .refused(Rejection::NotAMember);
}

/// Ann, who owns the group, Ben, who is an ordinary member, and Cat, who is an admin, have invited Dan.
fn by_three() -> Given {
    set(SettingsChange {
        invite: Some(Who::Members),
        ..SettingsChange::default()
    })
    .done(
        ANN,
        ConversationCommand::ChangeRole {
            user: user(CAT),
            role: Role::Admin,
        },
    )
    .done(ANN, invite(DAN))
    .done(BEN, invite(DAN))
    .done(CAT, invite(DAN))
}

/// They may not have been told of the one that is open.
#[test]
fn whoever_is_invited_by_one_is_invited_by_another_all_the_same() {
    let open = || {
        set(SettingsChange {
            invite: Some(Who::Members),
            ..SettingsChange::default()
        })
    };
    let by_ben = || open().done(BEN, invite(DAN));
    by_ben().when(BEN, invite(DAN)).then([]);
    by_ben().when(CAT, invite(DAN)).then([sent(DAN, CAT, "friends")]);
    // Nobody's own is touched by that, whoever comes last.
    let by_both = || by_ben().done(CAT, invite(DAN));
    for inviter in [BEN, CAT] {
        by_both().when(inviter, invite(DAN)).then([]);
        by_both()
            .when(inviter, withdraw(DAN))
            .then([withdrawn_by(DAN, inviter)]);
        let gone = by_both().done(inviter, withdraw(DAN));
        gone.when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
        gone.when(inviter, withdraw(DAN)).forbidden();
        gone.when(inviter, invite(DAN))
            .then([sent(DAN, inviter, "friends")]);
    }
    let nobody = by_both().done(BEN, withdraw(DAN)).done(CAT, withdraw(DAN));
    nobody.when(DAN, ACCEPT).refused(Rejection::NotAMember);
    nobody
        .when(BEN, withdraw(DAN))
        .refused(missing("this user is not invited"));
}

#[test]
fn an_answer_and_whoever_keeps_order_end_all_invitations_of_somebody() {
    by_three().when(ANN, withdraw(DAN)).then([withdrawn(DAN)]);
    by_three().when(CAT, withdraw(DAN)).then([withdrawn(DAN)]);
    by_three().when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
    let add = ConversationCommand::AddMember { user: user(DAN) };
    by_three().when(CAT, add).then([withdrawn(DAN), added(DAN)]);
    let remove = ConversationCommand::RemoveMember { user: user(DAN) };
    for over in [
        by_three().done(ANN, withdraw(DAN)),
        by_three().done(DAN, DECLINE),
        by_three().done(DAN, ACCEPT).done(ANN, remove),
    ] {
        over.when(DAN, ACCEPT).refused(Rejection::NotAMember);
        over.when(BEN, withdraw(DAN))
            .refused(missing("this user is not invited"));
    }
    // Events from when there was one of each say nothing of who had sent it.
    let old = given(group().into_iter().chain([
        sent(DAN, ANN, "friends"),
        sent(DAN, BEN, "friends"),
        withdrawn(DAN),
    ]));
    old.when(DAN, ACCEPT).refused(Rejection::NotAMember);
}

#[test]
fn whoever_is_invited_comes_in_as_long_as_one_who_has_invited_them_may_add_people() {
    let mute = |n| ConversationCommand::MuteMember {
        user: user(n),
        on: true,
        until: None,
    };
    let not_cat = by_three().done(ANN, mute(CAT));
    not_cat.when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
    let not_ann = by_three()
        .done(
            ANN,
            ConversationCommand::ChangeRole {
                user: user(CAT),
                role: Role::Owner,
            },
        )
        .done(ANN, ConversationCommand::Leave);
    not_ann.when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
    let not_ben = not_ann.done(CAT, mute(BEN));
    not_ben.when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
    // Where nobody may, nothing ends: it is asked when it is used.
    let who = |invite| {
        ConversationCommand::ChangeSettings(SettingsChange {
            invite: Some(invite),
            ..SettingsChange::default()
        })
    };
    let nobody = given(group())
        .done(ANN, who(Who::Members))
        .done(BEN, invite(DAN))
        .done(CAT, invite(DAN))
        .done(ANN, who(Who::Admins));
    nobody.when(DAN, ACCEPT).refused(Rejection::NotAMember);
    assert!(nobody.when(DAN, DECLINE).0.is_ok());
    let one = nobody.done(
        ANN,
        ConversationCommand::ChangeRole {
            user: user(CAT),
            role: Role::Admin,
        },
    );
    one.when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
}

#[test]
fn who_had_no_answer_is_whoever_sent_what_ended() {
    let week = i64::from(TAKEN_BACK_SECONDS);
    let all = || {
        set(SettingsChange {
            invite: Some(Who::Members),
            ..SettingsChange::default()
        })
    };
    // Ben takes his own back, over and over, while Cat's is open.
    let often = (0..INVITATIONS_TAKEN_BACK_MAX).fold(all().done(CAT, invite(DAN)), |given, _| {
        given.done(BEN, invite(DAN)).done(BEN, withdraw(DAN)).written(0)
    });
    often.when(BEN, invite(DAN)).refused(unanswered(week));
    often.when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
    let cat = often.done(CAT, withdraw(DAN)).written(0);
    cat.when(CAT, invite(DAN)).then([sent(DAN, CAT, "friends")]);
    // What an owner takes back was each inviter's.
    let by_owner = (0..INVITATIONS_TAKEN_BACK_MAX).fold(all(), |given, _| {
        given
            .done(BEN, invite(DAN))
            .done(CAT, invite(DAN))
            .done(ANN, withdraw(DAN))
            .written(0)
    });
    for inviter in [BEN, CAT] {
        by_owner.when(inviter, invite(DAN)).refused(unanswered(week));
    }
    by_owner.when(ANN, invite(DAN)).then([sent(DAN, ANN, "friends")]);
}

/// Ordinary members from 10 on, who may add people, and as many of them as can be have invited Dan, the first the longest ago. The last but one is an
/// admin who has not, and so is Ann.
fn crowded() -> (Given, u128, u128) {
    let (first, admin, last) = (10, 10 + INVITERS_MAX as u128, 11 + INVITERS_MAX as u128);
    let members = (first..=last).map(added);
    let settings = SettingsChange {
        invite: Some(Who::Members),
        ..SettingsChange::default()
    };
    let open = given(
        group()
            .into_iter()
            .chain(members)
            .chain([role(admin, Role::Admin)]),
    )
    .done(ANN, ConversationCommand::ChangeSettings(settings));
    let crowded = (first..admin).fold(open, |given, n| given.done(n, invite(DAN)).after(1));
    (crowded, admin, last)
}

#[test]
fn so_many_invite_the_same_person_and_those_who_may_take_back_any_come_through() {
    let late = |by: u128| {
        ConversationEvent::InvitationSent(InvitationSent {
            user: user(DAN),
            by: user(by),
            until: DateTime::from_timestamp(i64::from(INVITATION_SECONDS) + INVITERS_MAX as i64, 0)
                .unwrap()
                .into(),
            name: name("friends"),
        })
    };
    let (full, admin, last) = crowded();
    // An ordinary member takes nobody's place who may add people, and one's own is there already.
    full.when(last, invite(DAN)).conflicts();
    full.when(12, invite(DAN)).then([]);
    // Somebody else is another matter.
    assert!(full.when(last, invite(5)).0.is_ok());
    for who in [ANN, admin] {
        full.when(who, invite(DAN))
            .then([withdrawn_by(DAN, 10), late(who)]);
    }
    // Those of whoever has more to say give way last.
    let by_admins = full.done(ANN, invite(DAN)).done(admin, invite(DAN));
    by_admins.when(CAT, invite(DAN)).conflicts();
    let promoted = by_admins.done(
        ANN,
        ConversationCommand::ChangeRole {
            user: user(CAT),
            role: Role::Admin,
        },
    );
    promoted
        .when(CAT, invite(DAN))
        .then([withdrawn_by(DAN, 12), late(CAT)]);
}

#[test]
fn an_invitation_that_lets_nobody_in_makes_way_for_any_other() {
    let mute = |n| ConversationCommand::MuteMember {
        user: user(n),
        on: true,
        until: None,
    };
    let (full, admin, last) = crowded();
    let muted = full.done(ANN, mute(15)).done(ANN, mute(17));
    let decided = muted.when(last, invite(DAN)).0.unwrap();
    assert_eq!(decided.len(), 2, "{decided:?}");
    assert_eq!(decided[0], withdrawn_by(DAN, 15));
    // Whose it was is answerable for it as for any that had no answer, and an admin takes no place that counts as long as there is another.
    let decided = muted.when(admin, invite(DAN)).0.unwrap();
    assert_eq!(decided[0], withdrawn_by(DAN, 15));
    let replaced = muted.done(last, invite(DAN));
    replaced.when(DAN, ACCEPT).then([accepted(DAN), added(DAN)]);
    // What ends by itself or is taken back makes room, too.
    let (full, _, last) = crowded();
    let taken = full.done(10, withdraw(DAN));
    assert_eq!(taken.when(last, invite(DAN)).0.unwrap().len(), 1);
    let (full, _, last) = crowded();
    let over = full.after(i64::from(INVITATION_SECONDS) - INVITERS_MAX as i64);
    assert_eq!(over.when(last, invite(DAN)).0.unwrap().len(), 1);
}

#[test]
fn whatever_lets_somebody_in_ends_their_invitation() {
    let add = ConversationCommand::AddMember { user: user(DAN) };
    invited().when(ANN, add).then([withdrawn(DAN), added(DAN)]);
    let open = |join| SettingsChange {
        join: Some(join),
        ..SettingsChange::default()
    };
    set(open(Join::Open))
        .done(ANN, invite(DAN))
        .when(DAN, ConversationCommand::Join)
        .then([accepted(DAN), added(DAN)]);
    let approve = ConversationCommand::Approve { user: user(DAN) };
    set(open(Join::Request))
        .done(DAN, ConversationCommand::Join)
        .done(ANN, invite(DAN))
        .when(ANN, approve)
        .then([withdrawn(DAN), let_in(DAN)]);
    // Who is put out again has nothing left to accept.
    let remove = ConversationCommand::RemoveMember { user: user(DAN) };
    invited()
        .done(DAN, ACCEPT)
        .done(ANN, remove)
        .when(DAN, ACCEPT)
        .refused(Rejection::NotAMember);
}

#[test]
fn an_invitation_ends_with_whoever_has_sent_it() {
    let remove = || ConversationCommand::RemoveMember { user: user(BEN) };
    let ban = || ConversationCommand::Ban {
        user: user(BEN),
        until: None,
        reason: None,
    };
    let leave = || ConversationCommand::Leave;
    let removed = || ConversationEvent::MemberRemoved(MemberRemoved { user: user(BEN) });
    let banned = ConversationEvent::MemberBanned(MemberBanned {
        user: user(BEN),
        until: None,
        reason: None,
    });
    // Ben has invited Dan and another one, and Ann somebody else.
    let invited = || {
        given(group().into_iter().chain([
            role(BEN, Role::Admin),
            sent(DAN, BEN, "friends"),
            sent(5, ANN, "friends"),
            sent(6, BEN, "friends"),
        ]))
    };
    let ended = || [withdrawn_by(DAN, BEN), withdrawn_by(6, BEN)].into_iter();
    invited().when(ANN, remove()).then(ended().chain([removed()]));
    invited()
        .when(ANN, ban())
        .then(ended().chain([removed(), banned]));
    invited().when(BEN, leave()).then(ended().chain([left(BEN)]));
    for gone in [
        invited().done(ANN, remove()),
        invited().done(ANN, ban()),
        invited().done(BEN, leave()),
    ] {
        gone.when(DAN, ACCEPT).refused(Rejection::NotAMember);
        gone.when(5, ACCEPT).then([accepted(5), added(5)]);
        assert!(gone.when(ANN, invite(DAN)).0.is_ok());
    }
    // What is over ends by itself.
    invited()
        .after(INVITATION_SECONDS.into())
        .when(BEN, leave())
        .then([left(BEN)]);
    // An owner hands on the group, and not what they have handed out.
    given(group().into_iter().chain([sent(DAN, ANN, "friends")]))
        .when(ANN, leave())
        .then([withdrawn_by(DAN, ANN), left(ANN), role(BEN, Role::Owner)]);
}

#[test]
fn an_invitation_is_over_after_thirty_days() {
    let days = i64::from(INVITATION_SECONDS);
    assert!(invited().after(days - 1).when(DAN, ACCEPT).0.is_ok());
    for over in [invited().after(days), invited().written(days).written(0)] {
        over.when(DAN, ACCEPT).refused(Rejection::NotAMember);
        over.when(ANN, withdraw(DAN))
            .refused(missing("this user is not invited"));
        assert!(over.when(ANN, invite(DAN)).0.is_ok());
    }
}

#[test]
fn so_many_invitations_are_open_and_who_has_no_room_does_not_come() {
    let last = 10 + INVITATIONS_MAX as u128;
    let full = (10..last).fold(given(group()).with_people(last), |given, n| {
        given.done(ANN, invite(n))
    });
    full.when(ANN, invite(last)).conflicts();
    let full = full.done(10, DECLINE);
    assert!(full.when(ANN, invite(last)).0.is_ok());
    invited().with_room(DAN, 0).when(DAN, ACCEPT).conflicts();
}

#[test]
fn who_wants_to_be_added_by_nobody_is_invited() {
    use tidings_domain::{Audience, Facts, Rules, Settings};
    let mut facts = Facts::under(Rules::default());
    facts.add_users([user(DAN)]);
    let settings = Settings {
        add_me: Audience::Nobody,
        ..Settings::default()
    };
    facts.add_regard(
        user(ANN),
        user(DAN),
        Regard {
            settings,
            ..Regard::default()
        },
    );
    let decide = |body| {
        let command = tidings_domain::Command {
            id: COMMAND,
            actor: user(ANN),
            conversation: CONVERSATION,
            body,
        };
        fold(&group()).decide(&command, &facts, DateTime::UNIX_EPOCH)
    };
    let add = decide(ConversationCommand::AddMember { user: user(DAN) });
    assert!(matches!(add, Err(Rejection::Denied { .. })), "{add:?}");
    assert!(decide(invite(DAN)).is_ok());
}

fn registered() -> UserEvent {
    UserEvent::Registered(Registered {
        username: "dan".to_owned(),
        display_name: "Dan".to_owned(),
    })
}

fn told(group: u128) -> Told {
    Told::Invited(GroupInvited {
        conversation: tidings_domain::ConversationId(Uuid::from_u128(group)),
        name: name("friends"),
        by: user(ANN),
        until: DateTime::from_timestamp(1_000 + group as i64, 0).unwrap().into(),
    })
}

fn ended(group: u128) -> Told {
    Told::InvitationEnded(InvitationEnded {
        conversation: tidings_domain::ConversationId(Uuid::from_u128(group)),
        outcome: Ending::Withdrawn,
        by: None,
    })
}

fn tell(state: &User, told: Told) -> Vec<UserEvent> {
    state
        .decide(UserCommand::Tell(told), DateTime::UNIX_EPOCH)
        .unwrap()
}

#[test]
fn nobody_hears_of_the_end_of_an_invitation_that_they_have_not_heard_of() {
    let mut state = User::default();
    state.evolve(&registered());
    assert_eq!(tell(&state, ended(1)), []);
    for event in tell(&state, told(1)) {
        state.evolve(&event);
    }
    assert_eq!(tell(&state, ended(2)), []);
    assert_eq!(tell(&state, ended(1)), [UserEvent::Told(ended(1))]);
    let stream = Stream::User(state.clone());
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
    state.evolve(&UserEvent::Told(ended(1)));
    assert_eq!(tell(&state, ended(1)), []);
}

#[test]
fn somebody_hears_of_the_end_of_those_invitations_alone_of_which_they_have_heard() {
    let by = |told: Told, n: u128| match told {
        Told::Invited(invited) => Told::Invited(GroupInvited {
            by: user(n),
            ..invited
        }),
        Told::InvitationEnded(ended) => Told::InvitationEnded(InvitationEnded {
            by: Some(user(n)),
            ..ended
        }),
        told => told,
    };
    let mut state = User::default();
    state.evolve(&registered());
    // Ann's and Cat's were told, and Ben's was not, whom they block.
    for inviter in [ANN, CAT] {
        for event in tell(&state, by(told(1), inviter)) {
            state.evolve(&event);
        }
    }
    assert_eq!(tell(&state, by(ended(1), BEN)), []);
    let stream = Stream::User(state.clone());
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
    let anns = UserEvent::Told(by(ended(1), ANN));
    assert_eq!(tell(&state, by(ended(1), ANN)), std::slice::from_ref(&anns));
    state.evolve(&anns);
    assert_eq!(tell(&state, by(ended(1), ANN)), []);
    // What ends all ends the one that is left.
    assert_eq!(tell(&state, ended(1)), [UserEvent::Told(ended(1))]);
    state.evolve(&UserEvent::Told(ended(1)));
    assert_eq!(tell(&state, ended(1)), []);
    assert_eq!(tell(&state, by(ended(1), CAT)), []);
}

#[test]
fn so_many_invitations_wait_for_somebody_and_the_first_to_be_over_makes_room() {
    let mut state = User::default();
    state.evolve(&registered());
    for n in 0..=OPEN_MAX as u128 {
        state.evolve(&UserEvent::Told(told(n)));
    }
    assert_eq!(state.entry_count(), OPEN_MAX);
    assert_eq!(tell(&state, ended(0)), []);
    assert_eq!(tell(&state, ended(1)).len(), 1);
}

#[test]
fn a_group_with_invitations_is_thawed_as_it_was_frozen() {
    let mut stream = Stream::Empty;
    for event in group().into_iter().chain([
        sent(DAN, ANN, "friends"),
        sent(DAN, BEN, "friends"),
        sent(DAN, CAT, "friends"),
        withdrawn_by(DAN, CAT),
        sent(5, BEN, "friends"),
        ConversationEvent::InvitationDeclined(InvitationDeclined { user: user(5) }),
        sent(6, BEN, "friends"),
        withdrawn(6),
    ]) {
        stream.evolve(&Event::from(event));
        stream.date(DateTime::UNIX_EPOCH);
    }
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream.clone()));
    let Stream::Conversation(state) = stream else {
        panic!("it is a conversation")
    };
    assert_eq!(state.role(user(DAN)), None::<Role>);
}

#[test]
fn what_has_happened_already_is_told_however_much_it_is() {
    let telling = tidings_domain::StreamCommand::User {
        user: user(DAN),
        id: COMMAND,
        command: UserCommand::Tell(told(1)),
    };
    assert!(telling.is_urgent());
}
