//! The table of docs/permissions.md against the rules.

use crate::harness::*;
use chrono::DateTime;
use tidings_domain::event::{
    GroupCreated, GroupSettingsChanged, InvitationSent, JoinRequested, LinkCreated, MemberBanned, MemberMuted,
};
use tidings_domain::{
    Content, ConversationCommand, ConversationEvent, GroupSettings, InThread, Rejection, Role, SendMessage,
    SettingsChange, UserId, Who,
};
use uuid::Uuid;

const TABLE: &str = include_str!("../../../docs/permissions.md");

/// Others of each role, to whom things are done.
const OTHERS: [(u128, Role); 3] = [(11, Role::Member), (12, Role::Admin), (13, Role::Owner)];
const FILE: u128 = 60;

/// A group of one of each role who acts, and one of each to whom it is done; Ben is a member, Cat an admin, Ann an owner.
fn roles(settings: SettingsChange) -> Vec<ConversationEvent> {
    let all = [ANN, BEN, CAT].into_iter().chain(OTHERS.map(|(n, _)| n));
    let created = GroupCreated {
        name: name("friends"),
        owner: user(ANN),
        members: all.map(user).collect(),
    };
    let mut events = vec![
        ConversationEvent::GroupCreated(created),
        role(CAT, Role::Admin),
        ConversationEvent::MemberBanned(MemberBanned {
            user: user(30),
            until: None,
            reason: None,
        }),
        ConversationEvent::GroupSettingsChanged(GroupSettingsChanged { settings }),
        ConversationEvent::JoinRequested(JoinRequested { user: user(31) }),
        ConversationEvent::LinkCreated(LinkCreated {
            link: Uuid::from_u128(90),
            proof: Uuid::from_u128(90),
            by: user(13),
            until: DateTime::from_timestamp(4_000_000_000, 0).unwrap().into(),
            uses: None,
        }),
        ConversationEvent::InvitationSent(InvitationSent {
            user: user(32),
            by: user(13),
            until: DateTime::from_timestamp(4_000_000_000, 0).unwrap().into(),
            name: name("friends"),
        }),
    ];
    events.extend(OTHERS.map(|(n, given)| role(n, given)));
    events
}

fn actor_of(role: Role) -> u128 {
    match role {
        Role::Member => BEN,
        Role::Admin => CAT,
        Role::Owner => ANN,
    }
}

fn all(who: Who) -> SettingsChange {
    SettingsChange {
        post: Some(who),
        invite: Some(who),
        pin: Some(who),
        everyone: Some(who),
        threads: Some(who),
        react: Some(who),
        attach: Some(who),
        ..SettingsChange::default()
    }
}

/// Whether `actor` may do it to `other`, who has written what it is about where it is not the actor's own.
fn may(act: &str, events: Vec<ConversationEvent>, actor: u128, other: u128) -> bool {
    let target = user(other);
    let react = |on| ConversationCommand::React {
        message: MESSAGE,
        emoji: emoji("👍"),
        on,
    };
    let edit = ConversationCommand::EditMessage {
        message: MESSAGE,
        content: text("ho"),
    };
    let recall = ConversationCommand::RecallMessage { message: MESSAGE };
    let send = |send: SendMessage| ConversationCommand::SendMessage(send);
    let (author, late, command) = match act {
        "write" => (other, false, say("hi")),
        "write in a thread" => {
            let thread = Some(InThread {
                root: MESSAGE,
                also: false,
            });
            (
                other,
                false,
                send(SendMessage {
                    thread,
                    ..text("hi").into()
                }),
            )
        }
        "show a picture or file" => {
            let content = Content::File {
                attachment: Uuid::from_u128(FILE),
                caption: None,
            };
            (other, false, send(content.into()))
        }
        "react" => (other, false, react(true)),
        "take a reaction back" => (other, false, react(false)),
        "mention everyone" => {
            let everyone = true;
            (
                other,
                false,
                send(SendMessage {
                    everyone,
                    ..text("hi").into()
                }),
            )
        }
        "pin" => (
            other,
            false,
            ConversationCommand::Pin {
                message: MESSAGE,
                on: true,
            },
        ),
        "edit one's own message" => (actor, false, edit),
        "edit another's message" => (other, false, edit),
        "recall one's own message in time" => (actor, false, recall),
        "recall another's message at any time" => (other, true, recall),
        "add somebody" => (other, false, ConversationCommand::AddMember { user: user(40) }),
        "invite somebody" => (other, false, ConversationCommand::Invite { user: user(40) }),
        "take another's invitation back" => (
            other,
            false,
            ConversationCommand::WithdrawInvitation { user: user(32) },
        ),
        "make a link" => (
            other,
            false,
            ConversationCommand::CreateLink {
                proof: Uuid::from_u128(91),
                seconds: 60,
                uses: None,
            },
        ),
        "revoke another's link" => (
            other,
            false,
            ConversationCommand::RevokeLink {
                link: Uuid::from_u128(90),
            },
        ),
        "let somebody in who asks" => (other, false, ConversationCommand::Approve { user: user(31) }),
        "leave" => (other, false, ConversationCommand::Leave),
        "rename the group" => (other, false, ConversationCommand::Rename { name: name("others") }),
        "change settings" => (
            other,
            false,
            ConversationCommand::ChangeSettings(SettingsChange {
                slow_s: Some(7),
                ..SettingsChange::default()
            }),
        ),
        "mute somebody" => (
            other,
            false,
            ConversationCommand::MuteMember {
                user: target,
                on: true,
                until: None,
            },
        ),
        "remove somebody" => (other, false, ConversationCommand::RemoveMember { user: target }),
        "ban somebody" => (
            other,
            false,
            ConversationCommand::Ban {
                user: target,
                until: None,
                reason: None,
            },
        ),
        "lift a ban" => (other, false, ConversationCommand::Unban { user: user(30) }),
        "change a role" => (other, false, change(target, &events)),
        "hand the group on" => (other, false, ConversationCommand::TransferGroup { user: target }),
        unknown => panic!("{unknown} is not tried"),
    };
    let given = given(events)
        .and(written(author, "hi"))
        .stored(actor, FILE, false)
        .after(if late { 1_000_000 } else { 0 });
    match given.when(actor, command).0 {
        Ok(_) => true,
        // It is nobody's fault that there is nothing to do.
        Err(Rejection::Conflict(_)) => act == "hand the group on" && other != 13,
        Err(Rejection::Forbidden(_) | Rejection::Denied { .. } | Rejection::Muted { .. }) => false,
        Err(other) => panic!("{act}: {other:?}"),
    }
}

/// Another role than they have.
fn change(user: UserId, events: &[ConversationEvent]) -> ConversationCommand {
    let role = match fold(events).role(user) {
        Some(Role::Member) => Role::Admin,
        _ => Role::Member,
    };
    ConversationCommand::ChangeRole { user, role }
}

/// To whom of [`OTHERS`] it may be done.
fn done(act: &str, events: &[ConversationEvent], actor: u128) -> [bool; 3] {
    OTHERS.map(|(other, _)| may(act, events.to_vec(), actor, other))
}

/// What a cell says of members, admins and owners as those to whom it is done.
fn meant(cell: &str) -> [bool; 3] {
    match cell {
        "yes" | "everybody" => [true; 3],
        "members and admins" => [true, true, false],
        "members" => [true, false, false],
        "–" => [false; 3],
        other => panic!("{other} means nothing"),
    }
}

fn named(change: &SettingsChange, setting: &str) -> Option<Who> {
    match setting {
        "post" => change.post,
        "invite" => change.invite,
        "pin" => change.pin,
        "everyone" => change.everyone,
        "threads" => change.threads,
        "react" => change.react,
        "attach" => change.attach,
        other => panic!("{other} is no setting"),
    }
}

/// One setting is `who`, and all others are not.
fn only(setting: &str, who: Who) -> SettingsChange {
    let mut change = all(match who {
        Who::Members => Who::Admins,
        Who::Admins => Who::Members,
    });
    // Whoever replies or shows something writes, too.
    change.post = Some(Who::Members);
    let all = all(who);
    match setting {
        "post" => change.post = all.post,
        "invite" => change.invite = all.invite,
        "pin" => change.pin = all.pin,
        "everyone" => change.everyone = all.everyone,
        "threads" => change.threads = all.threads,
        "react" => change.react = all.react,
        "attach" => change.attach = all.attach,
        other => panic!("{other} is no setting"),
    }
    assert_eq!(named(&change, setting), Some(who));
    change
}

#[test]
fn every_cell_of_the_table_of_permissions_is_as_the_rules_say() {
    let mut acts = 0;
    for line in TABLE
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| act "))
    {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [act, member, admin, owner, muted, muted_admin] = cells[..] else {
            panic!("{line}")
        };
        acts += 1;
        let defaults = roles(SettingsChange::default());
        if let Some(setting) = member.strip_prefix('`') {
            let (setting, default) = setting.split_once("` ").unwrap();
            for (who, lets) in [(Who::Members, true), (Who::Admins, false)] {
                let events = roles(only(setting, who));
                assert_eq!(done(act, &events, BEN), [lets; 3], "{act}, {who:?}");
                assert_eq!(done(act, &events, CAT), [true; 3], "{act}, {who:?}");
            }
            let default = default == "(members)";
            assert_eq!(done(act, &defaults, BEN), [default; 3], "{act}");
        } else {
            assert_eq!(done(act, &defaults, BEN), meant(member), "{act}, a member");
        }
        for (role, cell) in [(Role::Admin, admin), (Role::Owner, owner)] {
            let found = done(act, &defaults, actor_of(role));
            assert_eq!(found, meant(cell), "{act}, {role:?}");
        }
        let mut silenced = roles(all(Who::Members));
        silenced.extend([BEN, CAT].map(|n| {
            ConversationEvent::MemberMuted(MemberMuted {
                user: user(n),
                on: true,
                until: None,
            })
        }));
        assert_eq!(done(act, &silenced, BEN), meant(muted), "{act}, a muted member");
        assert_eq!(
            done(act, &silenced, CAT),
            meant(muted_admin),
            "{act}, a muted admin"
        );
    }
    assert_eq!(acts, 26);
}

/// They hold no longer than the right to make them, and again with it.
#[test]
fn what_somebody_has_handed_out_lets_in_while_they_may_add_people() {
    let invite = |who| {
        ConversationCommand::ChangeSettings(SettingsChange {
            invite: Some(who),
            ..SettingsChange::default()
        })
    };
    let role = |role| ConversationCommand::ChangeRole {
        user: user(BEN),
        role,
    };
    let mute = |on| ConversationCommand::MuteMember {
        user: user(BEN),
        on,
        until: None,
    };
    let link = ConversationCommand::CreateLink {
        proof: Uuid::from_u128(91),
        seconds: 60,
        uses: None,
    };
    let come = [
        (
            40,
            ConversationCommand::JoinByLink {
                proof: Uuid::from_u128(91),
            },
            Rejection::NotFound(tidings_domain::Field::Secret),
        ),
        (41, ConversationCommand::AcceptInvitation, Rejection::NotAMember),
    ];
    let handed_out = || {
        given(roles(SettingsChange::default()))
            .done(ANN, invite(Who::Members))
            .done(BEN, link.clone())
            .done(BEN, ConversationCommand::Invite { user: user(41) })
    };
    let as_admin = || handed_out().done(ANN, role(Role::Admin));
    let taken = [
        handed_out().done(ANN, invite(Who::Admins)),
        handed_out().done(ANN, mute(true)),
        as_admin()
            .done(ANN, invite(Who::Admins))
            .done(ANN, role(Role::Member)),
    ];
    let given_back = [
        handed_out(),
        handed_out()
            .done(ANN, invite(Who::Admins))
            .done(ANN, invite(Who::Members)),
        handed_out().done(ANN, mute(true)).done(ANN, mute(false)),
        as_admin().done(ANN, invite(Who::Admins)),
    ];
    for (who, way, gone) in come {
        for given in &taken {
            given.when(who, way.clone()).refused(gone.clone());
        }
        for given in &given_back {
            assert!(given.when(who, way.clone()).0.is_ok());
        }
    }
    // Who is invited may say that they do not come, all the same.
    for given in &taken {
        assert!(given.when(41, ConversationCommand::DeclineInvitation).0.is_ok());
    }
}

#[test]
fn a_direct_conversation_has_no_settings() {
    let settings = given(direct()).when(ANN, ConversationCommand::ChangeSettings(all(Who::Admins)));
    settings.invalid(tidings_domain::Field::Conversation);
    assert_eq!(fold(&direct()).settings(), &GroupSettings::default());
}
