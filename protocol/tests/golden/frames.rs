//! One of each frame.

#![expect(clippy::unwrap_used, reason = "the texts are written here")]

use tidings_protocol::{
    Ack, Action, Audience, Avatar, ClientFrame, Close, CloseCode, Command, Content, ErrorCode, ErrorFrame,
    Event, EventKind, Events, Gap, GroupSettings, Hello, History, Join, Limits, MessageSend, Notice,
    OnlineCount, Position, Presence, PresenceCount, PresenceState, Profile, RawValue, Reachable, Receipt,
    Resume, ResumePart, Role, Seen, ServerFrame, Settings, Source, Status, Timestamp, TypingNotice, Welcome,
    Who,
};
use uuid::Uuid;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn at() -> Timestamp {
    Timestamp::from_millis(1_795_449_600_123).unwrap()
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

pub(crate) fn client_frames() -> Vec<(&'static str, ClientFrame)> {
    let (conversation, user, message) = (id(1), id(2), id(3));
    let resume = Resume {
        conversations: [(conversation, 17)].into(),
        notices: Some(4),
    };
    let mut frames = vec![
        (
            "hello",
            ClientFrame::Hello(Hello {
                token: Some("a.b.c".into()),
                device: Some("phone".into()),
                resume: resume.clone(),
                ..Hello::default()
            }),
        ),
        (
            "hello.more",
            ClientFrame::Hello(Hello {
                more: true,
                ..Hello::default()
            }),
        ),
        (
            "resume",
            ClientFrame::Resume(ResumePart {
                resume,
                more: true,
                ..ResumePart::default()
            }),
        ),
        ("hello.bare", ClientFrame::Hello(Hello::default())),
        ("ping", ClientFrame::Ping { id: Some(id(9)) }),
        ("ping.bare", ClientFrame::Ping { id: None }),
        (
            "typing",
            ClientFrame::Typing {
                conversation,
                on: true,
            },
        ),
        ("status", ClientFrame::Status { value: Status::Dnd }),
    ];
    let image = Content::Image {
        attachment: id(5),
        caption: Some("a hill".into()),
    };
    let text = Content::text("good \"morning\"\n🌞");
    let actions = [
        ("direct.open", Action::DirectOpen { user }),
        (
            "group.create",
            Action::GroupCreate {
                name: "walkers".into(),
                members: vec![user, id(4)],
            },
        ),
        ("group.add", Action::GroupAdd { conversation, user }),
        ("group.remove", Action::GroupRemove { conversation, user }),
        ("group.leave", Action::GroupLeave { conversation }),
        (
            "group.rename",
            Action::GroupRename {
                conversation,
                name: "climbers".into(),
            },
        ),
        (
            "group.role",
            Action::GroupRole {
                conversation,
                user,
                role: Role::Admin,
            },
        ),
        ("group.transfer", Action::GroupTransfer { conversation, user }),
        (
            "group.settings",
            Action::GroupSettings {
                conversation,
                settings: GroupSettings {
                    post: Some(Who::Admins),
                    invite: Some(Who::Members),
                    pin: Some(Who::Members),
                    everyone: Some(Who::Members),
                    threads: Some(Who::Admins),
                    react: Some(Who::Admins),
                    attach: Some(Who::Admins),
                    forward: Some(false),
                    history: Some(History::Joined),
                    join: Some(Join::Request),
                    slow_s: Some(30),
                },
            },
        ),
        (
            "group.mute",
            Action::GroupMute {
                conversation,
                user,
                on: true,
                until: Some(at()),
            },
        ),
        (
            "group.ban",
            Action::GroupBan {
                conversation,
                user,
                until: Some(at()),
                reason: Some("spam".into()),
            },
        ),
        (
            "group.ban.bare",
            Action::GroupBan {
                conversation,
                user,
                until: None,
                reason: None,
            },
        ),
        ("group.unban", Action::GroupUnban { conversation, user }),
        (
            "group.link.create",
            Action::GroupLinkCreate {
                conversation,
                expires_in_s: Some(3600),
                uses: Some(5),
            },
        ),
        (
            "group.link.create.bare",
            Action::GroupLinkCreate {
                conversation,
                expires_in_s: None,
                uses: None,
            },
        ),
        (
            "group.link.revoke",
            Action::GroupLinkRevoke {
                conversation,
                link: id(7),
            },
        ),
        (
            "group.join",
            Action::GroupJoin {
                conversation: Some(conversation),
                secret: None,
            },
        ),
        (
            "group.join.secret",
            Action::GroupJoin {
                conversation: None,
                secret: Some("0199".into()),
            },
        ),
        ("group.approve", Action::GroupApprove { conversation, user }),
        ("group.refuse", Action::GroupRefuse { conversation, user }),
        ("group.invite", Action::GroupInvite { conversation, user }),
        ("group.accept", Action::GroupAccept { conversation }),
        ("group.decline", Action::GroupDecline { conversation }),
        ("group.withdraw", Action::GroupWithdraw { conversation, user }),
        (
            "message.send",
            Action::MessageSend(MessageSend {
                reply_to: Some(id(6)),
                mentions: vec![user],
                ..MessageSend::new(conversation, text.clone())
            }),
        ),
        (
            "message.send.bare",
            Action::MessageSend(MessageSend::new(conversation, image)),
        ),
        (
            "message.send.everyone",
            Action::MessageSend(MessageSend {
                everyone: true,
                ..MessageSend::new(conversation, text.clone())
            }),
        ),
        (
            "message.send.forward",
            Action::MessageSend(MessageSend::forwarding(
                conversation,
                Source {
                    conversation: id(8),
                    message: id(6),
                },
            )),
        ),
        (
            "message.send.file",
            Action::MessageSend(MessageSend::new(
                conversation,
                Content::File {
                    attachment: id(5),
                    caption: None,
                },
            )),
        ),
        (
            "message.send.thread",
            Action::MessageSend(MessageSend {
                thread: Some(id(6)),
                also: true,
                ..MessageSend::new(conversation, text.clone())
            }),
        ),
        (
            "message.edit",
            Action::MessageEdit {
                conversation,
                message,
                content: text,
            },
        ),
        (
            "message.recall",
            Action::MessageRecall {
                conversation,
                message,
            },
        ),
        (
            "message.react",
            Action::MessageReact {
                conversation,
                message,
                emoji: "👍".into(),
                on: true,
            },
        ),
        (
            "message.pin",
            Action::MessagePin {
                conversation,
                message,
                on: true,
            },
        ),
        (
            "message.hide",
            Action::MessageHide {
                conversation,
                messages: vec![message, id(6)],
            },
        ),
        (
            "conversation.clear",
            Action::ConversationClear {
                conversation,
                seq: 17,
            },
        ),
        (
            "conversation.mute",
            Action::ConversationMute {
                conversation,
                on: true,
                until: Some(at()),
            },
        ),
        (
            "conversation.mute.off",
            Action::ConversationMute {
                conversation,
                on: false,
                until: None,
            },
        ),
        (
            "profile.update",
            Action::ProfileUpdate(Profile {
                display_name: Some("Ann B.".to_owned()),
                about: Some("from Turin".to_owned()),
                avatar: Some(Avatar(Some(message))),
            }),
        ),
        (
            "profile.update.bare",
            Action::ProfileUpdate(Profile {
                avatar: Some(Avatar(None)),
                ..Profile::default()
            }),
        ),
        (
            "settings.update",
            Action::SettingsUpdate(Settings {
                receipts: Some(false),
                last_seen: Some(Audience::Nobody),
                direct: Some(Audience::Contacts),
                add_me: Some(Audience::Everyone),
            }),
        ),
        (
            "contact.request",
            Action::ContactRequest {
                user: message,
                text: Some("we met in Turin".to_owned()),
            },
        ),
        (
            "contact.request.bare",
            Action::ContactRequest {
                user: message,
                text: None,
            },
        ),
        ("contact.accept", Action::ContactAccept { user: message }),
        ("contact.decline", Action::ContactDecline { user: message }),
        ("contact.withdraw", Action::ContactWithdraw { user: message }),
        ("contact.remove", Action::ContactRemove { user: message }),
        (
            "user.block",
            Action::UserBlock {
                user: message,
                on: true,
            },
        ),
        (
            "report.send",
            Action::ReportSend {
                conversation,
                message,
                reason: "spam".to_owned(),
                note: Some("the third time today".to_owned()),
            },
        ),
        (
            "report.send.bare",
            Action::ReportSend {
                conversation,
                message,
                reason: "spam".to_owned(),
                note: None,
            },
        ),
        (
            "conversation.archive",
            Action::ConversationArchive {
                conversation,
                on: true,
            },
        ),
        (
            "conversation.mark",
            Action::ConversationMark {
                conversation,
                unread: true,
            },
        ),
        (
            "thread.follow",
            Action::ThreadFollow {
                conversation,
                thread: id(6),
                on: false,
            },
        ),
        (
            "read",
            Action::Read {
                conversation,
                seq: 17,
                thread: None,
            },
        ),
        (
            "read.thread",
            Action::Read {
                conversation,
                seq: 17,
                thread: Some(id(6)),
            },
        ),
        (
            "presence.watch",
            Action::PresenceWatch {
                users: vec![user, id(4)],
                conversations: vec![conversation],
            },
        ),
        (
            "fetch",
            Action::Fetch {
                conversation,
                from: 18,
                limit: 500,
            },
        ),
    ];
    frames.extend(actions.map(|(name, action)| (name, ClientFrame::Command(Command { action, id: id(10) }))));
    frames
}

fn event(seq: u64, kind: EventKind, data: &str) -> Event {
    Event {
        conversation: id(1),
        seq,
        kind,
        actor: id(2),
        at: at(),
        data: raw(data),
    }
}

pub(crate) fn server_frames() -> Vec<(&'static str, ServerFrame)> {
    let (conversation, user) = (id(1), id(2));
    let reasons = ["Spam", "Insults or harassment", "Hate", "Violence or threats"];
    // All that a server says which is set up as usual.
    let limits = Limits {
        frame_bytes: 65536,
        text_bytes: 8192,
        catch_up_events: 1000,
        catch_up_total: 10_000,
        fetch_events: Some(1000),
        group_members: Some(100_000),
        group_create_members: None,
        name_chars: Some(100),
        mentions: Some(100),
        edit_window_s: Some(10_800),
        recall_window_s: Some(600),
        message_versions: Some(100),
        emoji_bytes: Some(64),
        message_reactions: Some(20),
        user_reactions: Some(20),
        pins: Some(250),
        attachment_bytes: Some(33_554_432),
        hidden_messages: Some(1000),
        everyone_per_hour: Some(10),
        slow_s: Some(21_600),
        bans: Some(100_000),
        reason_chars: Some(256),
        invitations: Some(200),
        invitations_per_day: Some(200),
        contacts: Some(5000),
        contact_requests: Some(100),
        contact_requests_per_day: Some(50),
        blocks: Some(10_000),
        reports_per_day: Some(20),
        report_note_chars: Some(1000),
        report_reasons: Some(reasons.map(str::to_owned).into()),
        report_other_reasons: Some(true),
        commands_in_flight: Some(256),
        commands_per_second: Some(200),
        commands_burst: Some(4000),
    };
    let welcome = Welcome {
        user,
        session: id(7),
        server: "tidings/0.1.0".into(),
        heartbeat_ms: 25_000,
        time: at(),
        limits,
    };
    let position = Position { lane: 2, pos: 4711 };
    let ack = Ack {
        id: id(10),
        conversation,
        seq: 17,
        position,
        at: at(),
        duplicate: false,
        data: None,
    };
    let secret = serde_json::json!({ "link": id(20), "secret": "a word that opens" });
    let message = format!(
        r#"{{"message":"{}","content":{{"kind":"text","text":"hi"}}}}"#,
        id(3)
    );
    let sent = event(17, EventKind::MessageSent, &message);
    let edited = format!(
        r#"{{"message":"{}","message_seq":17,"content":{{"kind":"text","text":"hi"}}}}"#,
        id(3)
    );
    let of_user = format!(r#"{{"user":"{user}"}}"#);
    let gone = Seen {
        online: false,
        status: None,
        last_seen: Some(at()),
    };
    let away = Seen {
        online: true,
        status: Some(Reachable::Away),
        last_seen: None,
    };
    let mut frames = vec![
        ("welcome", ServerFrame::Welcome(Box::new(welcome))),
        ("synced", ServerFrame::Synced),
        (
            "gap",
            ServerFrame::Gap(Gap {
                conversation,
                from: 18,
                to: 5230,
            }),
        ),
        (
            "events",
            ServerFrame::Events(Events {
                id: id(10),
                conversation,
                events: vec![sent.clone(), event(18, EventKind::MessageEdited, &edited)],
                more: true,
                next: None,
            }),
        ),
        (
            "events.none",
            ServerFrame::Events(Events {
                id: id(10),
                conversation,
                events: vec![],
                more: true,
                next: Some(4518),
            }),
        ),
        ("ack", ServerFrame::Ack(ack.clone())),
        (
            "ack.data",
            ServerFrame::Ack(Ack {
                data: secret.as_object().cloned(),
                ..ack.clone()
            }),
        ),
        (
            "ack.duplicate",
            ServerFrame::Ack(Ack {
                duplicate: true,
                ..ack
            }),
        ),
        (
            "error",
            ServerFrame::Error(ErrorFrame::new(
                Some(id(10)),
                ErrorCode::NotAMember,
                "not a member",
            )),
        ),
        (
            "error.field",
            ServerFrame::Error(
                ErrorFrame::new(Some(id(10)), ErrorCode::InvalidArgument, "`seq` is missing")
                    .with_field("seq"),
            ),
        ),
        (
            "error.resume",
            ServerFrame::Error(
                ErrorFrame::new(None, ErrorCode::InvalidArgument, "resume: the cursor is ahead")
                    .with_field("resume")
                    .with_head(id(1), 17),
            ),
        ),
        (
            "error.retryable",
            ServerFrame::Error(
                ErrorFrame::new(None, ErrorCode::Overloaded, "too much to do").with_retry_after_ms(250),
            ),
        ),
        (
            "notice",
            ServerFrame::Notice(Notice {
                seq: 5,
                kind: "group.invited".into(),
                at: at(),
                data: raw(r#"{"name":"walkers"}"#),
            }),
        ),
        (
            "typing",
            ServerFrame::Typing(TypingNotice {
                conversation,
                user,
                on: true,
            }),
        ),
        (
            "presence",
            ServerFrame::Presence(Presence {
                user,
                seen: Seen {
                    online: true,
                    status: None,
                    last_seen: None,
                },
            }),
        ),
        (
            "presence.gone",
            ServerFrame::Presence(Presence { user, seen: gone }),
        ),
        (
            "presence.state",
            ServerFrame::PresenceState(PresenceState {
                id: Some(id(10)),
                users: [(user, gone), (id(4), away)].into(),
                conversations: [(conversation, OnlineCount { online: 3 })].into(),
                unknown: false,
            }),
        ),
        (
            "presence.state.unknown",
            ServerFrame::PresenceState(PresenceState {
                id: None,
                users: [].into(),
                conversations: [].into(),
                unknown: true,
            }),
        ),
        (
            "presence.count",
            ServerFrame::PresenceCount(PresenceCount {
                conversation,
                online: 2000,
            }),
        ),
        (
            "receipt",
            ServerFrame::Receipt(Receipt {
                conversation,
                user,
                read_seq: 17,
                delivered_seq: None,
            }),
        ),
        (
            "receipt.delivered",
            ServerFrame::Receipt(Receipt {
                conversation,
                user,
                read_seq: 17,
                delivered_seq: Some(19),
            }),
        ),
        ("pong", ServerFrame::Pong { id: Some(id(9)) }),
        ("pong.bare", ServerFrame::Pong { id: None }),
        (
            "close",
            ServerFrame::Close(Close::new(CloseCode::GoingAway).with_retry_after_ms(1830)),
        ),
        (
            "close.for_good",
            ServerFrame::Close(Close::new(CloseCode::NoValidToken)),
        ),
    ];
    let events = [
        (
            "direct.opened",
            EventKind::DirectOpened,
            format!(r#"{{"users":["{user}","{}"]}}"#, id(4)),
        ),
        (
            "group.created",
            EventKind::GroupCreated,
            format!(r#"{{"name":"walkers","owner":"{user}","members":["{user}"]}}"#),
        ),
        (
            "member.added",
            EventKind::MemberAdded,
            format!(r#"{{"user":"{user}","role":"member"}}"#),
        ),
        ("member.removed", EventKind::MemberRemoved, of_user.clone()),
        ("member.unbanned", EventKind::MemberUnbanned, of_user.clone()),
        ("join.requested", EventKind::JoinRequested, of_user.clone()),
        ("join.refused", EventKind::JoinRefused, of_user.clone()),
        (
            "invitation.accepted",
            EventKind::InvitationAccepted,
            of_user.clone(),
        ),
        (
            "invitation.declined",
            EventKind::InvitationDeclined,
            of_user.clone(),
        ),
        (
            "invitation.withdrawn",
            EventKind::InvitationWithdrawn,
            of_user.clone(),
        ),
        (
            "invitation.withdrawn.by",
            EventKind::InvitationWithdrawn,
            format!(r#"{{"user":"{user}","by":"{}"}}"#, id(4)),
        ),
        ("member.left", EventKind::MemberLeft, of_user),
        (
            "invitation.sent",
            EventKind::InvitationSent,
            format!(
                r#"{{"user":"{user}","by":"{}","until":"{}","name":"walkers"}}"#,
                id(4),
                at()
            ),
        ),
        (
            "member.added.link",
            EventKind::MemberAdded,
            format!(r#"{{"user":"{user}","role":"member","link":"{}"}}"#, id(7)),
        ),
        (
            "member.added.asked",
            EventKind::MemberAdded,
            format!(r#"{{"user":"{user}","role":"member","asked":true}}"#),
        ),
        (
            "member.added.waited",
            EventKind::MemberAdded,
            format!(r#"{{"user":"{user}","role":"member","waited":true}}"#),
        ),
        (
            "link.created",
            EventKind::LinkCreated,
            format!(
                r#"{{"link":"{}","proof":"{}","by":"{user}","until":"{}","uses":5}}"#,
                id(7),
                id(8),
                at()
            ),
        ),
        (
            "link.revoked",
            EventKind::LinkRevoked,
            format!(r#"{{"link":"{}"}}"#, id(7)),
        ),
        (
            "group.settings_changed",
            EventKind::GroupSettingsChanged,
            r#"{"settings":{"post":"admins","forward":false,"slow_s":30}}"#.to_owned(),
        ),
        (
            "member.muted",
            EventKind::MemberMuted,
            format!(r#"{{"user":"{user}","on":true,"until":"{}"}}"#, at()),
        ),
        (
            "member.banned",
            EventKind::MemberBanned,
            format!(r#"{{"user":"{user}","until":"{}","reason":"spam"}}"#, at()),
        ),
        (
            "group.renamed",
            EventKind::GroupRenamed,
            r#"{"name":"climbers"}"#.to_owned(),
        ),
        (
            "role.changed",
            EventKind::RoleChanged,
            format!(r#"{{"user":"{user}","role":"owner"}}"#),
        ),
        (
            "message.sent",
            EventKind::MessageSent,
            format!(
                r#"{{"message":"{}","content":{{"kind":"text","text":"hi"}},"reply_to":"{}","mentions":["{user}"]}}"#,
                id(3),
                id(6)
            ),
        ),
        (
            "message.sent.thread",
            EventKind::MessageSent,
            format!(
                r#"{{"message":"{}","content":{{"kind":"text","text":"hi"}},"thread":"{}","thread_author":"{user}","also":true}}"#,
                id(3),
                id(6)
            ),
        ),
        (
            "message.sent.everyone",
            EventKind::MessageSent,
            format!(
                r#"{{"message":"{}","content":{{"kind":"text","text":"hi"}},"everyone":true}}"#,
                id(3)
            ),
        ),
        (
            "message.sent.forwarded",
            EventKind::MessageSent,
            format!(
                r#"{{"message":"{}","content":{{"kind":"text","text":"hi"}},"forwarded":{{"sender":"{user}","at":"2026-11-23T16:00:00.123Z"}}}}"#,
                id(3)
            ),
        ),
        (
            "message.sent.recalled",
            EventKind::MessageSent,
            format!(r#"{{"message":"{}","content":null}}"#, id(3)),
        ),
        (
            "message.sent.withheld",
            EventKind::MessageSent,
            format!(r#"{{"message":"{}","content":null,"withheld":true}}"#, id(3)),
        ),
        ("message.edited", EventKind::MessageEdited, edited),
        (
            "message.edited.recalled",
            EventKind::MessageEdited,
            format!(r#"{{"message":"{}","message_seq":17,"content":null}}"#, id(3)),
        ),
        (
            "message.recalled",
            EventKind::MessageRecalled,
            format!(r#"{{"message":"{}","message_seq":17,"message_no":9}}"#, id(3)),
        ),
        (
            "message.recalled.moderated",
            EventKind::MessageRecalled,
            format!(
                r#"{{"message":"{}","message_seq":17,"message_no":9,"reason":"advertising"}}"#,
                id(3)
            ),
        ),
        (
            "message.withheld",
            EventKind::MessageWithheld,
            format!(
                r#"{{"message":"{}","message_seq":17,"message_no":9,"withheld":true,"reason":"somebody's address"}}"#,
                id(3)
            ),
        ),
        (
            "message.withheld.again",
            EventKind::MessageWithheld,
            format!(
                r#"{{"message":"{}","message_seq":17,"message_no":9,"withheld":false}}"#,
                id(3)
            ),
        ),
        (
            "reaction.changed",
            EventKind::ReactionChanged,
            format!(
                r#"{{"message":"{}","message_seq":17,"emoji":"👍","on":true}}"#,
                id(3)
            ),
        ),
        (
            "pin.changed",
            EventKind::PinChanged,
            format!(r#"{{"message":"{}","message_seq":17,"on":true}}"#, id(3)),
        ),
    ];
    frames.extend(events.map(|(name, kind, data)| (name, ServerFrame::Event(event(17, kind, &data)))));
    let notices = [
        (
            "conversation.muted",
            format!(
                r#"{{"conversation":"{conversation}","on":true,"until":"{}","seq":17,"message_no":9}}"#,
                at()
            ),
        ),
        (
            "profile.updated",
            format!(
                r#"{{"display_name":"Ann B.","about":"from Turin","avatar":"{}"}}"#,
                id(3)
            ),
        ),
        (
            "settings.updated",
            r#"{"receipts":false,"last_seen":"nobody","direct":"contacts","add_me":"everyone"}"#.to_owned(),
        ),
        (
            "contact.requested",
            format!(
                r#"{{"user":"{}","by":"{}","text":"we met in Turin"}}"#,
                id(3),
                id(3)
            ),
        ),
        (
            "contact.accepted",
            format!(r#"{{"user":"{}","by":"{}"}}"#, id(3), id(3)),
        ),
        (
            "contact.declined",
            format!(r#"{{"user":"{}","by":"{}"}}"#, id(3), id(6)),
        ),
        (
            "contact.withdrawn",
            format!(r#"{{"user":"{}","by":"{}"}}"#, id(3), id(3)),
        ),
        (
            "contact.removed",
            format!(r#"{{"user":"{}","by":"{}"}}"#, id(3), id(6)),
        ),
        ("user.blocked", format!(r#"{{"user":"{}","on":true}}"#, id(3))),
        (
            "announcement",
            format!(
                r#"{{"id":"{}","text":"the server rests on Sunday","at":"{}"}}"#,
                id(7),
                at()
            ),
        ),
        (
            "conversation.archived",
            format!(r#"{{"conversation":"{conversation}","on":true,"seq":17,"message_no":9}}"#),
        ),
        (
            "conversation.marked",
            format!(r#"{{"conversation":"{conversation}","unread":true,"seq":17}}"#),
        ),
        (
            "message.hidden",
            format!(
                r#"{{"conversation":"{conversation}","messages":["{}","{}"],"seqs":[7,17],"message_nos":[5,9]}}"#,
                id(3),
                id(6)
            ),
        ),
        (
            "conversation.cleared",
            format!(r#"{{"conversation":"{conversation}","seq":17,"message_no":9}}"#),
        ),
        (
            "thread.followed",
            format!(
                r#"{{"conversation":"{conversation}","thread":"{}","on":false}}"#,
                id(6)
            ),
        ),
        (
            "thread.read",
            format!(
                r#"{{"conversation":"{conversation}","thread":"{}","seq":17}}"#,
                id(6)
            ),
        ),
        (
            "group.invited",
            format!(
                r#"{{"conversation":"{conversation}","name":"walkers","by":"{user}","until":"{}"}}"#,
                at()
            ),
        ),
        (
            "invitation.ended",
            format!(r#"{{"conversation":"{conversation}","outcome":"accepted"}}"#),
        ),
        (
            "group.asked",
            format!(
                r#"{{"conversation":"{conversation}","user":"{user}","until":"{}","seq":12}}"#,
                at()
            ),
        ),
        (
            "group.answered",
            format!(r#"{{"conversation":"{conversation}","seq":13}}"#),
        ),
        (
            "join.answered",
            format!(r#"{{"conversation":"{conversation}","approved":true}}"#),
        ),
        (
            "account",
            format!(
                r#"{{"matter":"signed_in","session":"{}","device":"Firefox on Linux"}}"#,
                id(7)
            ),
        ),
        ("gap", r#"{"from":2,"to":5}"#.to_owned()),
    ];
    frames.extend(notices.map(|(kind, data)| {
        let notice = Notice {
            seq: 5,
            kind: kind.into(),
            at: at(),
            data: raw(&data),
        };
        let name = if kind == "gap" { "notice.gap" } else { kind };
        (name, ServerFrame::Notice(notice))
    }));
    let one_ended = Notice {
        seq: 5,
        kind: "invitation.ended".into(),
        at: at(),
        data: raw(&format!(
            r#"{{"conversation":"{conversation}","outcome":"withdrawn","by":"{user}"}}"#
        )),
    };
    frames.push(("invitation.ended.by", ServerFrame::Notice(one_ended)));
    frames
}
