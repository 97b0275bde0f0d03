//! What commands say of themselves to those who carry them.

use crate::harness::*;
use std::collections::BTreeSet;
use tidings_domain::administration::ADMINISTRATION;
use tidings_domain::event::{Acted, CursorsMoved, InboxExpired};
use tidings_domain::{
    AnnouncementCommand, Aspect, Command, CommandId, Content, ConversationCommand, Hidden, Hiding, InThread,
    Mark, Marking, Need, PairCommand, Reason, Role, Root, SendMessage, SettingsChange, StreamCommand,
    UserCommand, UserId,
};
use uuid::Uuid;

const ID: CommandId = CommandId(Uuid::from_u128(99));
const FILE: Uuid = Uuid::from_u128(80);

fn file() -> Content {
    Content::File {
        attachment: FILE,
        caption: None,
    }
}

fn picture() -> Content {
    Content::Image {
        attachment: FILE,
        caption: None,
    }
}

/// Ann asks for it.
fn of_ann(body: ConversationCommand) -> StreamCommand {
    StreamCommand::Conversation(Command {
        id: ID,
        actor: user(ANN),
        conversation: CONVERSATION,
        body,
    })
}

fn open() -> ConversationCommand {
    ConversationCommand::OpenDirect { user: user(BEN) }
}

fn create() -> ConversationCommand {
    ConversationCommand::CreateGroup {
        name: name("friends"),
        members: vec![user(BEN)],
    }
}

fn send(content: Content) -> ConversationCommand {
    ConversationCommand::SendMessage(content.into())
}

fn recall() -> ConversationCommand {
    ConversationCommand::RecallMessage { message: MESSAGE }
}

fn moderate() -> ConversationCommand {
    ConversationCommand::Moderate {
        message: MESSAGE,
        reason: Reason::parse("an insult").unwrap(),
    }
}

/// What neither brings the actor in, nor shows or forwards anything, nor takes a message back.
fn others() -> Vec<ConversationCommand> {
    let message = MESSAGE;
    let user = user(BEN);
    vec![
        ConversationCommand::AddMember { user },
        ConversationCommand::RemoveMember { user },
        ConversationCommand::Leave,
        ConversationCommand::Rename { name: name("us") },
        ConversationCommand::ChangeRole {
            user,
            role: Role::Admin,
        },
        say("hi"),
        // It shows no other file than before.
        ConversationCommand::EditMessage {
            message,
            content: picture(),
        },
        ConversationCommand::React {
            message,
            emoji: emoji("👍"),
            on: true,
        },
        ConversationCommand::Pin { message, on: true },
    ]
}

/// To Ann's own stream.
fn own(command: UserCommand) -> StreamCommand {
    StreamCommand::User {
        user: user(ANN),
        id: ID,
        command,
    }
}

fn wishes() -> [StreamCommand; 2] {
    let conversation = CONVERSATION;
    [
        own(UserCommand::Mark(Marking {
            conversation,
            mark: Mark::Archived { on: true },
            place: None,
            root: Root::default(),
            ended: vec![],
        })),
        own(UserCommand::Hide(Hiding {
            conversation,
            hidden: Hidden::UpTo { seq: 1, place: None },
            is_member: true,
        })),
    ]
}

fn acted() -> StreamCommand {
    StreamCommand::Administration {
        actor: user(ANN),
        id: ID,
        acted: Acted {
            act: "user.suspend".to_owned(),
            target: user(BEN).to_string(),
            reason: None,
        },
    }
}

fn announce() -> StreamCommand {
    let announcement = Uuid::from_u128(5);
    StreamCommand::Announcement {
        actor: user(ANN),
        id: ID,
        command: AnnouncementCommand::Cancel { announcement },
    }
}

/// What goes to no conversation.
fn elsewhere() -> impl Iterator<Item = StreamCommand> {
    wishes().into_iter().chain([acted(), announce()])
}

#[test]
fn a_file_is_shown_for_the_first_time_by_who_sends_it() {
    for content in [file(), picture()] {
        assert_eq!(of_ann(send(content)).attaches(), Some((user(ANN), FILE)));
    }
    let others = others()
        .into_iter()
        .chain([open(), create(), recall(), forward(SOURCE)]);
    for other in others.map(of_ann).chain(elsewhere()) {
        assert_eq!(other.attaches(), None, "{other:?}");
    }
}

#[test]
fn a_forward_names_the_message_that_it_passes_on() {
    assert_eq!(of_ann(forward(SOURCE)).forwards(), Some((user(ANN), SOURCE)));
    let others = others()
        .into_iter()
        .chain([open(), create(), recall(), send(file())]);
    for other in others.map(of_ann).chain(elsewhere()) {
        assert_eq!(other.forwards(), None, "{other:?}");
    }
}

#[test]
fn whoever_sends_what_the_main_timeline_shows_has_read_what_is_before_it() {
    let reads = |body| {
        let command = Command {
            id: ID,
            actor: user(ANN),
            conversation: CONVERSATION,
            body,
        };
        command.reads_before()
    };
    let reply = |also| {
        let root = MESSAGE;
        ConversationCommand::SendMessage(SendMessage {
            thread: Some(InThread { root, also }),
            ..picture().into()
        })
    };
    for body in [say("hi"), send(file()), forward(SOURCE), reply(true)] {
        assert!(reads(body.clone()), "{body:?}");
    }
    for body in [open(), create(), recall(), moderate(), reply(false)] {
        assert!(!reads(body.clone()), "{body:?}");
    }
}

#[test]
fn who_begins_a_conversation_comes_into_it_and_who_adds_somebody_does_not() {
    for body in [open(), create()] {
        assert!(of_ann(body.clone()).brings_actor(), "{body:?}");
    }
    let others = others()
        .into_iter()
        .chain([recall(), forward(SOURCE), send(file())]);
    for other in others.map(of_ann).chain(elsewhere()) {
        assert!(!other.brings_actor(), "{other:?}");
    }
}

#[test]
fn what_takes_back_or_keeps_order_waits_for_nobody() {
    let user = user(BEN);
    let until = None;
    let urgent = [
        recall(),
        moderate(),
        ConversationCommand::Withhold {
            message: MESSAGE,
            report: REPORT,
            reason: Reason::parse("an address").unwrap(),
        },
        ConversationCommand::ShowAgain { message: MESSAGE },
        ConversationCommand::RemoveMember { user },
        ConversationCommand::Ban {
            user,
            until,
            reason: None,
        },
        ConversationCommand::MuteMember {
            user,
            on: true,
            until,
        },
        ConversationCommand::ChangeSettings(SettingsChange::default()),
        ConversationCommand::RevokeLink { link: MESSAGE },
        ConversationCommand::Refuse { user },
        ConversationCommand::WithdrawInvitation { user },
        ConversationCommand::Depart,
    ];
    for command in urgent.iter().cloned().map(of_ann) {
        assert!(command.is_urgent(), "{command:?}");
    }
    let pair = |command| StreamCommand::Pair {
        actor: UserId(MESSAGE),
        user,
        id: CommandId(MESSAGE),
        pair: MESSAGE,
        command,
    };
    assert!(pair(PairCommand::Block { on: true }).is_urgent());
    assert!(pair(PairCommand::Depart).is_urgent());
    assert!(!pair(PairCommand::Withdraw).is_urgent());
    let others = others()
        .into_iter()
        .filter(|other| !matches!(other, ConversationCommand::RemoveMember { .. }))
        .chain([open(), create(), forward(SOURCE), send(file())]);
    for other in others.map(of_ann).chain(elsewhere()) {
        assert!(!other.is_urgent(), "{other:?}");
    }
}

#[test]
fn what_people_mark_and_hide_is_their_own_wish_and_what_the_server_notes_is_not() {
    for wish in wishes() {
        assert!(wish.is_own_wish(), "{wish:?}");
    }
    let noted = [
        own(UserCommand::ExpireInbox(InboxExpired::default())),
        own(UserCommand::MoveCursors {
            moved: CursorsMoved::default(),
            known: CursorsMoved::default(),
            read: BTreeSet::new(),
        }),
        of_ann(recall()),
        acted(),
    ];
    for other in noted {
        assert!(!other.is_own_wish(), "{other:?}");
    }
}

#[test]
fn only_what_goes_to_a_conversation_needs_to_know_of_messages_and_people() {
    let need = Need::Message {
        message: MESSAGE,
        aspect: Aspect::Message,
    };
    assert!(of_ann(recall()).needs().eq([need]));
    assert_eq!((need.message(), need.users()), (Some(MESSAGE), None));
    let people = [user(BEN)];
    let need = Need::Users(&people);
    assert!(of_ann(create()).needs().eq([need]));
    assert_eq!((need.message(), need.users()), (None, Some(&people[..])));
    for other in elsewhere() {
        assert_eq!(other.needs().count(), 0, "{other:?}");
    }
}

#[test]
fn what_an_administrator_does_goes_to_a_stream_that_is_nobodys() {
    let acted = acted();
    assert_eq!(
        (acted.id(), acted.actor(), acted.stream()),
        (ID.0, user(ANN), ADMINISTRATION)
    );
}
