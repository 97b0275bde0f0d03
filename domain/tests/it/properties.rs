//! Laws that hold of any events and any commands.

use crate::harness::{MESSAGE, REPORT, emoji, everybody, fold, name, text, user, written};
use chrono::DateTime;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::event::*;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{
    Command, CommandId, Content, Conversation, ConversationCommand, ConversationEvent, ConversationId, Emoji,
    Event, History, Join, Message, MessageText, Moment, Reason, Role, Rules, SendMessage, SettingsChange,
    Stream, UserId, Who,
};
use uuid::Uuid;

fn users() -> impl Strategy<Value = UserId> {
    (1..8_u128).prop_map(user)
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Member), Just(Role::Admin), Just(Role::Owner)]
}

fn events() -> impl Strategy<Value = ConversationEvent> {
    prop_oneof![
        (users(), users()).prop_map(|(a, b)| ConversationEvent::DirectOpened(DirectOpened { users: [a, b] })),
        (users(), prop::collection::vec(users(), 0..5)).prop_map(|(owner, members)| {
            ConversationEvent::GroupCreated(GroupCreated {
                name: name("g"),
                owner,
                members,
            })
        }),
        (users(), roles()).prop_map(|(user, role)| ConversationEvent::MemberAdded(MemberAdded {
            user,
            role,
            link: Some(LINK),
            asked: false,
            waited: false,
        })),
        prop::option::of(1..3_u32).prop_map(|uses| ConversationEvent::LinkCreated(LinkCreated {
            link: LINK,
            proof: LINK,
            by: user(1),
            until: DateTime::from_timestamp(1, 0).unwrap().into(),
            uses,
        })),
        Just(ConversationEvent::LinkRevoked(LinkRevoked { link: LINK })),
        users().prop_map(|user| ConversationEvent::JoinRequested(JoinRequested { user })),
        users().prop_map(|user| ConversationEvent::JoinRefused(JoinRefused { user })),
        (users(), users(), prop::sample::select(&[-1, 1][..])).prop_map(|(user, by, until)| {
            ConversationEvent::InvitationSent(InvitationSent {
                user,
                by,
                until: DateTime::from_timestamp(until, 0).unwrap().into(),
                name: name("g"),
            })
        }),
        users().prop_map(|user| ConversationEvent::InvitationAccepted(InvitationAccepted { user })),
        users().prop_map(|user| ConversationEvent::InvitationDeclined(InvitationDeclined { user })),
        (users(), prop::option::of(users())).prop_map(|(user, by)| {
            ConversationEvent::InvitationWithdrawn(InvitationWithdrawn { user, by })
        }),
        users().prop_map(|user| ConversationEvent::MemberRemoved(MemberRemoved { user })),
        users().prop_map(|user| ConversationEvent::MemberLeft(MemberLeft { user })),
        Just(ConversationEvent::GroupRenamed(GroupRenamed { name: name("h") })),
        (users(), roles())
            .prop_map(|(user, role)| ConversationEvent::RoleChanged(RoleChanged { user, role })),
        settings()
            .prop_map(|settings| ConversationEvent::GroupSettingsChanged(GroupSettingsChanged { settings })),
        (users(), any::<bool>(), ends())
            .prop_map(|(user, on, until)| ConversationEvent::MemberMuted(MemberMuted { user, on, until })),
        (users(), ends()).prop_map(|(user, until)| ConversationEvent::MemberBanned(MemberBanned {
            user,
            until,
            reason: None,
        })),
        users().prop_map(|user| ConversationEvent::MemberUnbanned(MemberUnbanned { user })),
        "[^\u{0}]{1,40}".prop_map(|words| {
            let text = Content::Text {
                text: MessageText::parse(words).unwrap(),
            };
            ConversationEvent::MessageSent(text.into())
        }),
        (any::<bool>(), prop::option::of(users())).prop_map(|(everyone, slow)| {
            ConversationEvent::MessageSent(MessageSent {
                everyone,
                slow,
                ..text("all").into()
            })
        }),
        "[^\u{0}]{1,40}".prop_map(|words| {
            let content = Content::Text {
                text: MessageText::parse(words).unwrap(),
            };
            ConversationEvent::MessageEdited(MessageEdited {
                message: MESSAGE,
                message_seq: 3,
                content,
            })
        }),
        Just(ConversationEvent::MessageRecalled(MessageRecalled {
            message: MESSAGE,
            message_seq: 3,
            message_no: 2,
            reason: None,
        })),
        any::<bool>().prop_map(|on| ConversationEvent::PinChanged(PinChanged {
            message: MESSAGE,
            message_seq: 3,
            on,
        })),
        any::<bool>().prop_map(|withheld| ConversationEvent::MessageWithheld(MessageWithheld {
            message: MESSAGE,
            message_seq: 3,
            message_no: 2,
            withheld,
            reason: None,
        })),
        (emojis(), any::<bool>()).prop_map(|(emoji, on)| {
            ConversationEvent::ReactionChanged(ReactionChanged {
                message: MESSAGE,
                message_seq: 3,
                emoji,
                on,
            })
        }),
    ]
}

const LINK: Uuid = Uuid::from_u128(33);

fn settings() -> impl Strategy<Value = SettingsChange> {
    let who = || prop::option::of(prop::sample::select(&[Who::Members, Who::Admins][..]));
    let rights = [who(), who(), who(), who(), who(), who(), who()];
    (
        rights,
        prop::option::of(any::<bool>()),
        prop::option::of(prop::sample::select(&[History::Shared, History::Joined][..])),
        prop::option::of(prop::sample::select(
            &[Join::Invite, Join::Request, Join::Open][..],
        )),
        prop::option::of(0..100_u32),
    )
        .prop_map(
            |([post, invite, pin, everyone, threads, react, attach], forward, history, join, slow_s)| {
                SettingsChange {
                    history,
                    join,
                    post,
                    invite,
                    pin,
                    everyone,
                    threads,
                    react,
                    attach,
                    forward,
                    slow_s,
                }
            },
        )
}

/// Over, still to come, or never.
fn ends() -> impl Strategy<Value = Option<Moment>> {
    let moment = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().into();
    prop::option::of(prop::sample::select(&[-1, 1][..]).prop_map(moment))
}

fn emojis() -> impl Strategy<Value = Emoji> {
    prop::sample::select(&["👍", "👎", "❤️", ":a:"][..]).prop_map(emoji)
}

fn commands() -> impl Strategy<Value = Command> {
    let body = prop_oneof![
        users().prop_map(|user| ConversationCommand::OpenDirect { user }),
        prop::collection::vec(users(), 0..5).prop_map(|members| ConversationCommand::CreateGroup {
            name: name("g"),
            members
        }),
        users().prop_map(|user| ConversationCommand::AddMember { user }),
        users().prop_map(|user| ConversationCommand::RemoveMember { user }),
        Just(ConversationCommand::Leave),
        (users(), roles()).prop_map(|(user, role)| ConversationCommand::ChangeRole { user, role }),
        users().prop_map(|user| ConversationCommand::TransferGroup { user }),
        settings().prop_map(ConversationCommand::ChangeSettings),
        (users(), any::<bool>()).prop_map(|(user, on)| ConversationCommand::MuteMember {
            user,
            on,
            until: None
        }),
        users().prop_map(|user| ConversationCommand::Ban {
            user,
            until: None,
            reason: None,
        }),
        users().prop_map(|user| ConversationCommand::Unban { user }),
        prop::option::of(1..3_u32).prop_map(|uses| ConversationCommand::CreateLink {
            proof: LINK,
            seconds: 1,
            uses,
        }),
        Just(ConversationCommand::RevokeLink { link: Uuid::nil() }),
        Just(ConversationCommand::JoinByLink { proof: LINK }),
        Just(ConversationCommand::Join),
        users().prop_map(|user| ConversationCommand::Approve { user }),
        users().prop_map(|user| ConversationCommand::Refuse { user }),
        users().prop_map(|user| ConversationCommand::Invite { user }),
        Just(ConversationCommand::AcceptInvitation),
        Just(ConversationCommand::DeclineInvitation),
        users().prop_map(|user| ConversationCommand::WithdrawInvitation { user }),
        Just(ConversationCommand::Depart),
        any::<bool>().prop_map(|everyone| ConversationCommand::SendMessage(SendMessage {
            everyone,
            ..text("x").into()
        })),
        prop::sample::select(&["x", "y"][..]).prop_map(|words| ConversationCommand::EditMessage {
            message: MESSAGE,
            content: text(words),
        }),
        Just(ConversationCommand::RecallMessage { message: MESSAGE }),
        any::<bool>().prop_map(|on| ConversationCommand::Pin { message: MESSAGE, on }),
        Just(ConversationCommand::Withhold {
            message: MESSAGE,
            report: REPORT,
            reason: Reason::parse("an address").unwrap(),
        }),
        Just(ConversationCommand::ShowAgain { message: MESSAGE }),
        (emojis(), any::<bool>()).prop_map(|(emoji, on)| ConversationCommand::React {
            message: MESSAGE,
            emoji,
            on,
        }),
    ];
    (users(), body).prop_map(|(actor, body)| Command {
        id: CommandId(Uuid::nil()),
        actor,
        conversation: ConversationId(Uuid::nil()),
        body,
    })
}

/// Who is invited, and by whom, as the events tell.
fn follow(invitations: &mut BTreeSet<(UserId, UserId)>, event: &ConversationEvent) {
    match event {
        ConversationEvent::InvitationSent(sent) => {
            invitations.insert((sent.user, sent.by));
        }
        ConversationEvent::InvitationWithdrawn(InvitationWithdrawn { user, by: Some(by) }) => {
            invitations.remove(&(*user, *by));
        }
        ConversationEvent::InvitationAccepted(InvitationAccepted { user })
        | ConversationEvent::InvitationDeclined(InvitationDeclined { user })
        | ConversationEvent::InvitationWithdrawn(InvitationWithdrawn { user, by: None }) => {
            invitations.retain(|(invited, _)| invited != user);
        }
        _ => {}
    }
}

/// Whether somebody can invite people whom nobody has to do with.
fn may_add(state: &Conversation, by: UserId) -> bool {
    let invite = Command {
        id: CommandId(Uuid::nil()),
        actor: by,
        conversation: ConversationId(Uuid::nil()),
        body: ConversationCommand::Invite { user: user(100) },
    };
    let facts = everybody(Rules::default());
    state.decide(&invite, &facts, DateTime::UNIX_EPOCH).is_ok()
}

proptest! {
    /// Also shows that evolve is total: no sequence of events panics.
    #[test]
    fn folding_in_two_parts_equals_folding_in_one(all in prop::collection::vec(events(), 0..30), cut in 0..30_usize) {
        let cut = cut.min(all.len());
        let mut parts = fold(&all[..cut]);
        for event in &all[cut..] {
            parts.evolve(event);
        }
        prop_assert_eq!(parts, fold(&all));
    }

    #[test]
    fn what_is_encoded_is_decoded(event in events()) {
        let event = Event::from(event);
        let (kind, ver, payload) = stored::encode(&event);
        prop_assert_eq!(stored::decode(kind.0, ver, &payload).unwrap(), event);
    }

    #[test]
    fn no_bytes_make_decoding_panic(kind in any::<i16>(), ver in any::<i16>(), payload in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = stored::decode(kind, ver, &payload);
    }

    /// Most bytes are no JSON at all: what comes closest to an event is one with a few bytes changed, under any known kind.
    #[test]
    fn no_spoilt_event_makes_decoding_panic(
        event in events(),
        kind in prop::option::of(prop::sample::select(&Kind::ALL[..])),
        ver in 0_i16..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (own, _, mut payload) = stored::encode(&Event::from(event));
        for (index, byte) in changes {
            let index = index.index(payload.len());
            payload[index] = byte;
        }
        payload.truncate(length.map_or(payload.len(), |length| length.index(payload.len())));
        let _ = stored::decode(kind.unwrap_or(own).0, ver, &payload);
    }

    /// Whatever people do, a group with members has an owner, and only members ever act.
    #[test]
    fn a_group_with_members_has_an_owner(commands in prop::collection::vec(commands(), 0..60)) {
        let mut state = Conversation::default();
        let mut group = false;
        for command in commands {
            let was_member = state.is_member(command.actor);
            let existed = state.exists();
            let Ok(events) = state.decide(&command, &everybody(Rules::default()), DateTime::UNIX_EPOCH) else { continue };
            let asks = matches!(
                command.body,
                ConversationCommand::Join
                    | ConversationCommand::JoinByLink { .. }
                    | ConversationCommand::AcceptInvitation
                    | ConversationCommand::DeclineInvitation
                    | ConversationCommand::WithdrawInvitation { .. }
                    | ConversationCommand::Depart
            );
            prop_assert!(!existed || was_member || asks || events.is_empty());
            group |= matches!(events.first(), Some(ConversationEvent::GroupCreated(_)));
            for event in &events {
                state.evolve(event);
            }
            if group && state.member_count() > 0 {
                prop_assert!(state.members().any(|user| state.role(user) == Some(Role::Owner)));
            }
        }
    }

    /// Neither a link nor an invitation is there by somebody who is not.
    #[test]
    fn what_somebody_hands_out_ends_with_them(commands in prop::collection::vec(commands(), 0..60)) {
        let mut state = fold(&crate::harness::group());
        let (mut links, mut invitations) = (BTreeMap::new(), BTreeSet::new());
        for command in commands {
            let Ok(events) = state.decide(&command, &everybody(Rules::default()), DateTime::UNIX_EPOCH) else { continue };
            for event in &events {
                match event {
                    ConversationEvent::LinkCreated(made) => {
                        links.insert(made.link, (made.by, made.uses));
                    }
                    ConversationEvent::LinkRevoked(revoked) => {
                        links.remove(&revoked.link);
                    }
                    ConversationEvent::MemberAdded(MemberAdded { link: Some(link), .. }) => {
                        if let Some((_, Some(left))) = links.get_mut(link) {
                            *left -= 1;
                        }
                        links.retain(|_, (_, left)| *left != Some(0));
                    }
                    _ => {}
                }
                follow(&mut invitations, event);
                state.evolve(event);
            }
            let mut givers = links.values().map(|(by, _)| by).chain(invitations.iter().map(|(_, by)| by));
            prop_assert!(givers.all(|by| state.is_member(*by)));
        }
    }

    /// Each inviter's invitation is their own: by inviting and taking back, ordinary members change nothing about that of anybody else, and whoever
    /// is invited comes in as long as one of those may add people who have invited them.
    #[test]
    fn nobody_takes_anothers_invitation_away(commands in prop::collection::vec(commands(), 0..60)) {
        let mut state = fold(&crate::harness::group());
        let facts = everybody(Rules::default());
        let mut invitations = BTreeSet::new();
        for command in commands {
            let before = invitations.clone();
            let role = state.role(command.actor);
            let Ok(events) = state.decide(&command, &facts, DateTime::UNIX_EPOCH) else { continue };
            for event in &events {
                follow(&mut invitations, event);
                state.evolve(event);
            }
            let is_own = match command.body {
                ConversationCommand::Invite { .. } => true,
                ConversationCommand::WithdrawInvitation { .. } => role == Some(Role::Member),
                _ => false,
            };
            if is_own {
                let mut changed = before.symmetric_difference(&invitations);
                prop_assert!(changed.all(|(_, by)| *by == command.actor));
            }
            for (user, _) in &invitations {
                let accept = Command {
                    actor: *user,
                    body: ConversationCommand::AcceptInvitation,
                    ..command.clone()
                };
                let theirs = invitations.iter().filter(|(invited, _)| invited == user);
                let lets_in = theirs.map(|(_, by)| *by).any(|by| may_add(&state, by));
                let comes_in = state.decide(&accept, &facts, DateTime::UNIX_EPOCH).is_ok();
                prop_assert_eq!(comes_in, lets_in);
            }
        }
    }

    /// Folding only control events gives the same decisions, since only they are read when state is loaded.
    #[test]
    fn messages_do_not_change_decisions(all in prop::collection::vec(events(), 0..30), command in commands()) {
        let controls: Vec<_> = all
            .iter()
            .filter(|event| {
                let event = Event::from((*event).clone());
                stored::encode(&event).0.is_control_event(&event)
            })
            .cloned()
            .collect();
        prop_assert_eq!(
            fold(&all).decide(&command, &everybody(Rules::default()), DateTime::UNIX_EPOCH),
            fold(&controls).decide(&command, &everybody(Rules::default()), DateTime::UNIX_EPOCH)
        );
    }

    /// A message that is recalled stays so: nothing is done to it any more, whatever people ask in whatever order. Nor is anything done to one
    /// that is withheld, but that it is shown again.
    #[test]
    fn nothing_is_done_to_a_recalled_or_withheld_message(commands in prop::collection::vec(commands(), 0..40)) {
        let mut state = fold(&crate::harness::group());
        let mut facts = everybody(Rules::default());
        facts.add_message(ConversationId(Uuid::nil()), MESSAGE, written(1, "hi"));
        let (mut recalled, mut withheld) = (false, false);
        for command in commands {
            let Ok(events) = state.decide(&command, &facts, DateTime::UNIX_EPOCH) else { continue };
            for event in &events {
                let about = match event {
                    ConversationEvent::MessageEdited(_) | ConversationEvent::ReactionChanged(_) => true,
                    ConversationEvent::PinChanged(changed) => changed.on,
                    ConversationEvent::MessageRecalled(_) => {
                        prop_assert!(!recalled && !withheld);
                        recalled = true;
                        false
                    }
                    ConversationEvent::MessageWithheld(changed) => {
                        prop_assert!(!recalled && changed.withheld != withheld);
                        withheld = changed.withheld;
                        false
                    }
                    _ => false,
                };
                prop_assert!(!(about && (recalled || withheld)));
                state.evolve(event);
                facts.evolve(command.conversation, command.actor, command.id, event);
            }
        }
    }

    /// What stands before in the same batch counts as it will when it is read back: versions, words, and who has which emoji.
    #[test]
    fn facts_of_a_batch_are_those_of_a_plain_model(commands in prop::collection::vec(commands(), 0..60)) {
        let mut state = fold(&crate::harness::group());
        let conversation = ConversationId(Uuid::nil());
        let mut facts = everybody(Rules::default());
        facts.add_message(conversation, MESSAGE, written(1, "hi"));
        let (mut versions, mut words, mut on) = (1, text("hi"), BTreeSet::new());
        for command in commands {
            let Ok(events) = state.decide(&command, &facts, DateTime::UNIX_EPOCH) else { continue };
            for event in &events {
                match event {
                    ConversationEvent::MessageEdited(edited) => {
                        versions += 1;
                        words = edited.content.clone();
                    }
                    ConversationEvent::ReactionChanged(changed) => {
                        let reaction = (changed.emoji.clone(), command.actor);
                        let was = if changed.on { !on.insert(reaction) } else { !on.remove(&reaction) };
                        prop_assert!(!was, "only what changes is an event");
                    }
                    _ => {}
                }
                state.evolve(event);
                facts.evolve(conversation, command.actor, command.id, event);
            }
            let known: &Message = facts.message(conversation, MESSAGE).unwrap();
            prop_assert_eq!((known.versions, &known.content), (versions, &words));
        }
    }

    /// A state that was frozen goes on as if it never had been.
    #[test]
    fn what_is_frozen_is_thawed_and_goes_on(all in prop::collection::vec(events(), 0..30), cut in 0..30_usize) {
        let cut = cut.min(all.len());
        let mut whole = Stream::default();
        for (n, event) in all[..cut].iter().enumerate() {
            whole.evolve(&event.clone().into());
            // Not all are written yet.
            if n % 3 > 0 {
                whole.date(DateTime::from_timestamp_micros(n as i64).unwrap());
            }
        }
        let mut thawed = Stream::thaw(&whole.freeze()).unwrap();
        prop_assert_eq!(&thawed, &whole);
        for event in &all[cut..] {
            whole.evolve(&event.clone().into());
            thawed.evolve(&event.clone().into());
        }
        prop_assert_eq!(thawed, whole);
    }

    #[test]
    fn no_bytes_make_thawing_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Stream::thaw(&bytes);
    }
}
