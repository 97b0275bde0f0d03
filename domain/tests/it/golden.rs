//! One file for each stored kind and version. A file never changes once it has been released: the log is full of them.
//! `UPDATE_GOLDEN=1` writes files that are missing, and only those.

use crate::harness::{emoji, name, original, role, text, user};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tidings_domain::event::*;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{
    About, Act, AnnouncementText, Audience, Change, ConversationEvent, ConversationId, Cursor, DisplayName,
    Event, FileName, Greeting, Handling, History, Join, Moment, Reason, ReportId, ReportNote, Role,
    SettingsChange, UserEvent, Who,
};
use uuid::Uuid;

fn examples() -> Vec<Event> {
    let conversation = |n| ConversationId(Uuid::from_u128(n));
    let cursors = |seq| BTreeMap::from([(conversation(500), Cursor { seq, msg_no: seq - 1 })]);
    vec![
        ConversationEvent::DirectOpened(DirectOpened {
            users: [user(1), user(2)],
        })
        .into(),
        ConversationEvent::GroupCreated(GroupCreated {
            name: name("Café"),
            owner: user(1),
            members: vec![user(1), user(2)],
        })
        .into(),
        ConversationEvent::MemberAdded(MemberAdded {
            user: user(3),
            role: Role::Member,
            link: None,
            asked: false,
            waited: false,
        })
        .into(),
        ConversationEvent::MemberRemoved(MemberRemoved { user: user(3) }).into(),
        ConversationEvent::MemberLeft(MemberLeft { user: user(2) }).into(),
        ConversationEvent::GroupRenamed(GroupRenamed { name: name("Tea") }).into(),
        role(2, Role::Admin).into(),
        ConversationEvent::GroupSettingsChanged(GroupSettingsChanged {
            settings: SettingsChange {
                post: Some(Who::Admins),
                invite: Some(Who::Members),
                pin: Some(Who::Members),
                everyone: Some(Who::Members),
                threads: Some(Who::Admins),
                react: Some(Who::Admins),
                attach: Some(Who::Admins),
                forward: Some(false),
                history: None,
                join: Some(Join::Request),
                slow_s: Some(30),
            },
        })
        .into(),
        ConversationEvent::MemberMuted(MemberMuted {
            user: user(3),
            on: true,
            until: Some(moment()),
        })
        .into(),
        ConversationEvent::MemberBanned(MemberBanned {
            user: user(3),
            until: Some(moment()),
            reason: Some(Reason::parse("spam").unwrap()),
        })
        .into(),
        ConversationEvent::MemberUnbanned(MemberUnbanned { user: user(3) }).into(),
        ConversationEvent::LinkCreated(LinkCreated {
            link: Uuid::from_u128(79),
            proof: Uuid::from_u128(80),
            by: user(1),
            until: moment(),
            uses: Some(5),
        })
        .into(),
        ConversationEvent::LinkRevoked(LinkRevoked {
            link: Uuid::from_u128(79),
        })
        .into(),
        ConversationEvent::JoinRequested(JoinRequested { user: user(4) }).into(),
        ConversationEvent::JoinRefused(JoinRefused { user: user(4) }).into(),
        ConversationEvent::InvitationSent(InvitationSent {
            user: user(4),
            by: user(1),
            until: moment(),
            name: name("Café"),
        })
        .into(),
        ConversationEvent::InvitationAccepted(InvitationAccepted { user: user(4) }).into(),
        ConversationEvent::InvitationDeclined(InvitationDeclined { user: user(4) }).into(),
        ConversationEvent::InvitationWithdrawn(InvitationWithdrawn {
            user: user(4),
            by: None,
        })
        .into(),
        ConversationEvent::MessageSent(MessageSent {
            reply_to: Some(Uuid::from_u128(77)),
            mentions: vec![user(2)],
            ..MessageSent::new(text("hello\n\"world\" ✓"))
        })
        .into(),
        ConversationEvent::MessageSent(MessageSent {
            thread: Some(Uuid::from_u128(76)),
            thread_author: Some(user(3)),
            ..MessageSent::new(text("in the thread"))
        })
        .into(),
        ConversationEvent::MessageSent(MessageSent {
            reply_to: Some(Uuid::from_u128(77)),
            mentions: vec![user(2)],
            thread: Some(Uuid::from_u128(76)),
            thread_author: Some(user(3)),
            also: true,
            ..MessageSent::new(text("in the thread, and for everybody"))
        })
        .into(),
        ConversationEvent::MessageEdited(MessageEdited {
            message: Uuid::from_u128(77),
            message_seq: 7,
            content: text("hello, world"),
        })
        .into(),
        ConversationEvent::MessageRecalled(MessageRecalled {
            message: Uuid::from_u128(77),
            message_seq: 7,
            message_no: 4,
            reason: None,
        })
        .into(),
        ConversationEvent::ReactionChanged(ReactionChanged {
            message: Uuid::from_u128(77),
            message_seq: 7,
            emoji: emoji("👍🏽"),
            on: true,
        })
        .into(),
        ConversationEvent::PinChanged(PinChanged {
            message: Uuid::from_u128(77),
            message_seq: 7,
            on: true,
        })
        .into(),
        ConversationEvent::MessageWithheld(MessageWithheld {
            message: Uuid::from_u128(70),
            message_seq: 7,
            message_no: 4,
            withheld: true,
            reason: Reason::parse("somebody's address").ok(),
        })
        .into(),
        UserEvent::Registered(Registered {
            username: "ann".to_owned(),
            display_name: "Ann".to_owned(),
        })
        .into(),
        UserEvent::CursorsMoved(CursorsMoved {
            read: cursors(5),
            delivered: cursors(9),
        })
        .into(),
        UserEvent::InboxExpired(InboxExpired { cursors: cursors(12) }).into(),
        UserEvent::AttachmentStored(AttachmentStored {
            name: FileName::parse("a hill.png").unwrap(),
            media_type: "image/png".to_owned(),
            size: 70_000,
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            width: Some(640),
            height: Some(480),
        })
        .into(),
        UserEvent::AttachmentRemoved(AttachmentRemoved {
            attachment: Uuid::from_u128(78),
            size: 70_000,
        })
        .into(),
        UserEvent::ConversationMuted(ConversationMuted {
            conversation: conversation(500),
            on: true,
            until: Some(moment()),
            place: Place {
                seq: 12,
                message_no: 9,
            },
        })
        .into(),
        UserEvent::ConversationArchived(ConversationArchived {
            conversation: conversation(500),
            on: true,
            place: Place {
                seq: 12,
                message_no: 9,
            },
        })
        .into(),
        UserEvent::ConversationMarked(ConversationMarked {
            conversation: conversation(500),
            unread: true,
            seq: Some(12),
        })
        .into(),
        UserEvent::MessagesHidden(MessagesHidden {
            conversation: conversation(500),
            messages: vec![Uuid::from_u128(77), Uuid::from_u128(78)],
            seqs: vec![7, 12],
            message_nos: vec![5, 9],
        })
        .into(),
        UserEvent::ConversationCleared(ConversationCleared {
            conversation: conversation(500),
            seq: 12,
            message_no: 9,
        })
        .into(),
        UserEvent::ThreadFollowed(ThreadFollowed {
            conversation: conversation(500),
            thread: Uuid::from_u128(76),
            on: true,
        })
        .into(),
        UserEvent::ThreadRead(ThreadRead {
            conversation: conversation(500),
            thread: Uuid::from_u128(76),
            seq: 9,
        })
        .into(),
        UserEvent::ProfileUpdated(ProfileUpdated {
            display_name: DisplayName::parse("Ann B.").ok(),
            about: About::parse("two\nlines").ok(),
            avatar: Some(Avatar(Some(Uuid::from_u128(78)))),
        })
        .into(),
        UserEvent::SettingsUpdated(SettingsUpdated {
            receipts: Some(false),
            last_seen: Some(Audience::Contacts),
            direct: Some(Audience::Nobody),
            add_me: Some(Audience::Everyone),
        })
        .into(),
        Told::Requested(ContactRequested {
            user: user(3),
            by: user(2),
            text: Greeting::parse("we met in Turin").ok(),
        })
        .into(),
        Told::Accepted(ContactAccepted {
            user: user(3),
            by: user(2),
        })
        .into(),
        Told::Declined(ContactDeclined {
            user: user(3),
            by: user(2),
        })
        .into(),
        Told::Withdrawn(ContactWithdrawn {
            user: user(3),
            by: user(2),
        })
        .into(),
        Told::Removed(ContactRemoved {
            user: user(3),
            by: user(2),
        })
        .into(),
        Told::Blocked(UserBlocked {
            user: user(3),
            on: true,
        })
        .into(),
        Told::Invited(GroupInvited {
            conversation: conversation(500),
            name: name("Café"),
            by: user(2),
            until: moment(),
        })
        .into(),
        Told::InvitationEnded(InvitationEnded {
            conversation: conversation(500),
            outcome: Ending::Accepted,
            by: None,
        })
        .into(),
        Told::Asked(GroupAsked {
            conversation: conversation(500),
            user: user(3),
            until: moment(),
            seq: None,
        })
        .into(),
        Told::Answered(GroupAnswered {
            conversation: conversation(500),
            seq: None,
        })
        .into(),
        Told::JoinAnswered(JoinAnswered {
            conversation: conversation(500),
            approved: true,
        })
        .into(),
        pair(
            Change::Requested {
                text: Greeting::parse("we met in Turin").ok(),
            },
            true,
        ),
        UserEvent::Announced(Announced {
            id: Uuid::from_u128(86),
            text: AnnouncementText::parse("the server rests on Sunday").unwrap(),
            at: moment(),
        })
        .into(),
        announcement(AnnouncementChange::Made {
            text: AnnouncementText::parse("the server rests on Sunday").unwrap(),
            at: Some(moment()),
        }),
        UserEvent::Account(AccountMatter::SignedIn {
            session: Uuid::from_u128(89),
            device: Some("Firefox on Linux".to_owned()),
        })
        .into(),
        UserEvent::AccountDeleted(AccountDeleted {
            by: DeletedBy::Person,
            name_freed: true,
        })
        .into(),
        Event::Report(ReportEvent::Filed(ReportFiled {
            report: ReportId(Uuid::from_u128(81)),
            by: user(2),
            conversation: conversation(500),
            message: Uuid::from_u128(70),
            sender: user(3),
            reason: Reason::parse("spam").unwrap(),
            note: ReportNote::parse("the third time").ok(),
            versions: 1,
        })),
        Event::Report(ReportEvent::Handled(ReportHandled {
            report: ReportId(Uuid::from_u128(81)),
            by: user(4),
            action: Handling::Recall,
            note: Reason::parse("advertising").ok(),
        })),
        Event::Administration(Acted {
            act: Act::SuspendUser.as_str().to_owned(),
            target: user(3).0.to_string(),
            reason: Some("spam".to_owned()),
        }),
    ]
}

fn pair(change: Change, heard: bool) -> Event {
    Event::Pair(PairChanged {
        by: user(2),
        user: user(3),
        change,
        heard,
        only: None,
    })
}

/// The same for the other one alone.
fn late(change: Change) -> Event {
    Event::Pair(PairChanged {
        by: user(2),
        user: user(3),
        change,
        heard: true,
        only: Some(user(3)),
    })
}

fn announcement(change: AnnouncementChange) -> Event {
    Event::Announcement(AnnouncementChanged {
        announcement: Uuid::from_u128(86),
        change,
    })
}

fn moment() -> Moment {
    chrono::DateTime::from_timestamp_millis(1_800_000_000_250)
        .unwrap()
        .into()
}

fn path(kind: Kind, ver: i16) -> PathBuf {
    let name = kind.name().unwrap();
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{:03}-{name}.v{ver}.json", kind.0))
}

#[test]
fn every_kind_and_version_reads_and_writes_as_it_always_has() {
    let mut seen = vec![];
    for event in examples() {
        let (kind, ver, payload) = stored::encode(&event);
        seen.push(kind);
        let path = path(kind, ver);
        if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &payload).unwrap();
        }
        let golden = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            String::from_utf8_lossy(&payload),
            String::from_utf8_lossy(&golden),
            "{}",
            path.display()
        );
        assert_eq!(
            stored::decode(kind.0, ver, &golden).unwrap(),
            event,
            "{}",
            path.display()
        );
    }
    seen.sort_unstable();
    assert_eq!(seen, Kind::ALL, "a kind has no example");
}

/// Whoever is told of one thing and not of another shows by that whom they block.
#[test]
fn whatever_is_told_where_that_depends_on_two_people_is_confidential() {
    for event in examples() {
        let (kind, ..) = stored::encode(&event);
        let depends = matches!(
            event,
            Event::Pair(_) | Event::Report(_) | Event::User(UserEvent::Told(_))
        );
        assert_eq!(Kind::CONFIDENTIAL.contains(&kind), depends, "{kind:?}");
    }
}

/// What kinds may hold beside what their first example shows: by what the file's name says of it.
fn more() -> Vec<(&'static str, Event)> {
    let sent = |sent: MessageSent| ConversationEvent::MessageSent(sent).into();
    vec![
        (
            "link",
            ConversationEvent::MemberAdded(MemberAdded {
                user: user(3),
                role: Role::Member,
                link: Some(Uuid::from_u128(79)),
                asked: false,
                waited: false,
            })
            .into(),
        ),
        (
            "asked",
            ConversationEvent::MemberAdded(MemberAdded {
                user: user(3),
                role: Role::Member,
                link: None,
                asked: true,
                waited: false,
            })
            .into(),
        ),
        (
            "waited",
            ConversationEvent::MemberAdded(MemberAdded {
                user: user(3),
                role: Role::Member,
                link: None,
                asked: false,
                waited: true,
            })
            .into(),
        ),
        (
            "by",
            ConversationEvent::InvitationWithdrawn(InvitationWithdrawn {
                user: user(4),
                by: Some(user(1)),
            })
            .into(),
        ),
        (
            "by",
            Told::InvitationEnded(InvitationEnded {
                conversation: ConversationId(Uuid::from_u128(500)),
                outcome: Ending::Withdrawn,
                by: Some(user(2)),
            })
            .into(),
        ),
        (
            "seq",
            Told::Asked(GroupAsked {
                conversation: ConversationId(Uuid::from_u128(500)),
                user: user(3),
                until: moment(),
                seq: Some(12),
            })
            .into(),
        ),
        (
            "seq",
            Told::Answered(GroupAnswered {
                conversation: ConversationId(Uuid::from_u128(500)),
                seq: Some(13),
            })
            .into(),
        ),
        (
            "history",
            ConversationEvent::GroupSettingsChanged(GroupSettingsChanged {
                settings: SettingsChange {
                    history: Some(History::Joined),
                    ..SettingsChange::default()
                },
            })
            .into(),
        ),
        (
            "moderated",
            ConversationEvent::MessageRecalled(MessageRecalled {
                message: Uuid::from_u128(70),
                message_seq: 7,
                message_no: 4,
                reason: Reason::parse("advertising").ok(),
            })
            .into(),
        ),
        (
            "edited",
            Event::Report(ReportEvent::Filed(ReportFiled {
                report: ReportId(Uuid::from_u128(81)),
                by: user(2),
                conversation: ConversationId(Uuid::from_u128(500)),
                message: Uuid::from_u128(70),
                sender: user(3),
                reason: Reason::parse("spam").unwrap(),
                note: None,
                versions: 2,
            })),
        ),
        (
            "again",
            ConversationEvent::MessageWithheld(MessageWithheld {
                message: Uuid::from_u128(70),
                message_seq: 7,
                message_no: 4,
                withheld: false,
                reason: None,
            })
            .into(),
        ),
        (
            "everyone",
            sent(MessageSent {
                everyone: true,
                ..text("all").into()
            }),
        ),
        (
            "picture-gone",
            UserEvent::ProfileUpdated(ProfileUpdated {
                avatar: Some(Avatar(None)),
                ..ProfileUpdated::default()
            })
            .into(),
        ),
        (
            "now",
            announcement(AnnouncementChange::Made {
                text: AnnouncementText::parse("the server rests").unwrap(),
                at: None,
            }),
        ),
        (
            "password",
            UserEvent::Account(AccountMatter::PasswordChanged).into(),
        ),
        (
            "roles",
            UserEvent::Account(AccountMatter::RolesChanged {
                granted: vec!["moderator".to_owned()],
                taken: vec!["admin".to_owned(), "bot".to_owned()],
            })
            .into(),
        ),
        ("reinstated", UserEvent::Account(AccountMatter::Reinstated).into()),
        ("cancelled", announcement(AnnouncementChange::Cancelled)),
        ("published", announcement(AnnouncementChange::Published)),
        ("accepted", pair(Change::Accepted, false)),
        ("late", late(Change::Accepted)),
        ("declined", pair(Change::Declined { until: moment() }, false)),
        ("withdrawn", pair(Change::Withdrawn, true)),
        ("removed", pair(Change::Removed, true)),
        ("blocked", pair(Change::Blocked { on: true }, false)),
        (
            "slow",
            sent(MessageSent {
                slow: Some(user(3)),
                ..text("all").into()
            }),
        ),
        (
            "forwarded",
            sent(MessageSent {
                forwarded: Some(original(text("news")).forwarded),
                ..text("news").into()
            }),
        ),
    ]
}

#[test]
fn what_a_kind_may_hold_reads_and_writes_as_it_always_has() {
    for (what, event) in more() {
        let (kind, ver, payload) = stored::encode(&event);
        let path = path(kind, ver).with_extension(format!("{what}.json"));
        if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &payload).unwrap();
        }
        let golden = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            String::from_utf8_lossy(&payload),
            String::from_utf8_lossy(&golden),
            "{what}"
        );
        assert_eq!(stored::decode(kind.0, ver, &golden).unwrap(), event, "{what}");
    }
}

#[test]
fn every_version_ever_written_can_still_be_read() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let kind: i16 = file[..3].parse().unwrap();
        let (_, ver) = file.rsplit_once(".v").unwrap();
        let ver: i16 = ver.split('.').next().unwrap().parse().unwrap();
        stored::decode(kind, ver, &std::fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}
