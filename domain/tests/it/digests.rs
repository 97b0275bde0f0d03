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
