use crate::harness::*;
use std::collections::HashMap;
use tidings_domain::{
    Command, CommandId, Content, ConversationCommand, DigestKey, InThread, MessageText, Role, Says,
    SendMessage, Source,
};
use uuid::Uuid;

fn digest(body: ConversationCommand) -> i64 {
    let command = Command {
        id: CommandId(Uuid::from_u128(99)),
        actor: user(ANN),
        conversation: CONVERSATION,
        body,
    };
    command.digest(&DigestKey::new(b"a secret"))
}

/// Digests are stored for ever: a retry years from now is compared with them.
#[test]
fn the_forms_of_digests_never_change() {
    let (user, message) = (user(BEN), MESSAGE);
    let name = || name("friends");
    let commands = [
        (
            ConversationCommand::OpenDirect { user },
            -2_502_038_739_423_461_590,
        ),
        (
            ConversationCommand::CreateGroup {
                name: name(),
                members: vec![user],
            },
            2_364_910_594_200_064_614,
        ),
        (ConversationCommand::AddMember { user }, 2_062_817_648_180_919_940),
        (
            ConversationCommand::RemoveMember { user },
            3_150_543_854_236_782_972,
        ),
        (ConversationCommand::Leave, 3_258_950_129_253_525_450),
        (
            ConversationCommand::Rename { name: name() },
            -757_581_560_131_678_167,
        ),
        (
            ConversationCommand::ChangeRole {
                user,
                role: Role::Admin,
            },
            -475_899_727_535_949_687,
        ),
        (say("hi"), 1_157_175_628_411_243_440),
        (forward(SOURCE), -7_607_079_589_974_712_448),
        (
            ConversationCommand::EditMessage {
                message,
                content: text("ho"),
            },
            -7_020_722_081_898_919_384,
        ),
        (
            ConversationCommand::RecallMessage { message },
            5_952_025_044_927_268_418,
        ),
        (
            ConversationCommand::React {
                message,
                emoji: emoji("👍"),
                on: true,
            },
            -2_623_646_918_716_585_573,
        ),
        (
            ConversationCommand::Pin { message, on: true },
            -7_026_523_042_822_254_717,
        ),
    ];
    for (command, digested) in commands {
        assert_eq!(digest(command.clone()), digested, "{command:?}");
    }
}

/// Two commands that differ in one thing are never taken for each other.
#[test]
fn each_part_of_a_command_is_in_its_digest() {
    use ConversationCommand::{
        AddMember, ChangeRole, CreateGroup, EditMessage, Leave, OpenDirect, RemoveMember, Rename,
    };
    let open = |n| OpenDirect { user: user(n) };
    let create = |title, members: &[u128]| CreateGroup {
        name: name(title),
        members: members.iter().copied().map(user).collect(),
    };
    let role = |n, role| ChangeRole { user: user(n), role };
    let send = |content, reply_to: Option<u128>, mentions: &[u128]| {
        ConversationCommand::SendMessage(SendMessage {
            says: Says::Content(content),
            reply_to: reply_to.map(Uuid::from_u128),
            mentions: mentions.iter().copied().map(user).collect(),
            everyone: false,
            thread: None,
        })
    };
    let reply = |root, also| {
        ConversationCommand::SendMessage(SendMessage {
            thread: Some(InThread {
                root: Uuid::from_u128(root),
                also,
            }),
            ..text("hi").into()
        })
    };
    let caption = |words: &str| MessageText::parse(words).ok();
    let image = |n, words| Content::Image {
        attachment: Uuid::from_u128(n),
        caption: caption(words),
    };
    let file = |n, words| Content::File {
        attachment: Uuid::from_u128(n),
        caption: caption(words),
    };
    let edit = |content| EditMessage {
        message: MESSAGE,
        content,
    };
    let commands = [
        ConversationCommand::SendMessage(SendMessage {
            everyone: true,
            ..text("hi").into()
        }),
        forward(SOURCE),
        forward(Source {
            message: MESSAGE,
            ..SOURCE
        }),
        forward(Source {
            conversation: CONVERSATION,
            ..SOURCE
        }),
        open(BEN),
        open(CAT),
        create("friends", &[BEN]),
        create("foes", &[BEN]),
        create("friends", &[CAT]),
        create("friends", &[BEN, CAT]),
        create("friends", &[]),
        AddMember { user: user(BEN) },
        AddMember { user: user(CAT) },
        RemoveMember { user: user(BEN) },
        RemoveMember { user: user(CAT) },
        Leave,
        Rename {
            name: name("friends"),
        },
        Rename { name: name("foes") },
        role(BEN, Role::Admin),
        role(BEN, Role::Owner),
        role(CAT, Role::Admin),
        send(text("hi"), None, &[]),
        send(text("ho"), None, &[]),
        send(text("hi"), Some(7), &[]),
        send(text("hi"), Some(8), &[]),
        send(text("hi"), None, &[BEN]),
        send(text("hi"), None, &[CAT]),
        send(image(1, "hi"), None, &[]),
        send(image(2, "hi"), None, &[]),
        send(image(1, "ho"), None, &[]),
        send(image(1, ""), None, &[]),
        send(file(1, "hi"), None, &[]),
        reply(7, false),
        reply(7, true),
        reply(8, false),
        edit(text("hi")),
        edit(image(1, "hi")),
    ];
    let mut seen: HashMap<i64, ConversationCommand> = HashMap::new();
    for command in commands {
        if let Some(same) = seen.insert(digest(command.clone()), command.clone()) {
            panic!("{same:?} and {command:?} have one digest");
        }
    }
}
