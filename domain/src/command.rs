//! What people ask for, already parsed; whether it may happen is for `decide` to say.

use crate::event::{Content, Role};
use crate::id::{CommandId, ConversationId, UserId};
use crate::text::GroupName;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A command to one conversation, by one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub id: CommandId,
    pub actor: UserId,
    pub conversation: ConversationId,
    pub body: ConversationCommand,
}

/// What a command wants of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationCommand {
    OpenDirect {
        user: UserId,
    },
    CreateGroup {
        name: GroupName,
        members: Vec<UserId>,
    },
    AddMember {
        user: UserId,
    },
    RemoveMember {
        user: UserId,
    },
    Leave,
    Rename {
        name: GroupName,
    },
    ChangeRole {
        user: UserId,
        role: Role,
    },
    SendMessage {
        content: Content,
        reply_to: Option<Uuid>,
        mentions: Vec<UserId>,
    },
}

impl Command {
    /// The message of the same conversation that the command refers to. It is among the [`Facts`](crate::Facts) that the command
    /// is decided on, if it exists.
    pub fn needs(&self) -> Option<Uuid> {
        match &self.body {
            ConversationCommand::SendMessage { reply_to, .. } => *reply_to,
            _ => None,
        }
    }

    /// The message that the command makes.
    pub fn makes(&self) -> Option<Uuid> {
        matches!(self.body, ConversationCommand::SendMessage { .. }).then_some(self.id.0)
    }

    /// A fingerprint of what the command says, kept with its events. A retry with the same id must have the same one.
    ///
    /// The first 64 bits of a SHA-256 over a canonical form. The form must never change for a command that has been
    /// written, so it does not use any library's serialisation.
    pub fn digest(&self) -> i64 {
        let mut form = Form(Sha256::new());
        form.id(self.actor.0);
        form.id(self.conversation.0);
        match &self.body {
            ConversationCommand::OpenDirect { user } => {
                form.tag(1);
                form.id(user.0);
            }
            ConversationCommand::CreateGroup { name, members } => {
                form.tag(2);
                form.text(name.as_str());
                form.users(members);
            }
            ConversationCommand::AddMember { user } => {
                form.tag(3);
                form.id(user.0);
            }
            ConversationCommand::RemoveMember { user } => {
                form.tag(4);
                form.id(user.0);
            }
            ConversationCommand::Leave => form.tag(5),
            ConversationCommand::Rename { name } => {
                form.tag(6);
                form.text(name.as_str());
            }
            ConversationCommand::ChangeRole { user, role } => {
                form.tag(7);
                form.id(user.0);
                form.text(role.as_str());
            }
            ConversationCommand::SendMessage {
                content,
                reply_to,
                mentions,
            } => {
                form.tag(8);
                form.content(content);
                form.id(reply_to.unwrap_or_default());
                form.users(mentions);
            }
        }
        form.finish()
    }
}

/// Length-prefixed fields, so that no two commands share a form.
struct Form(Sha256);

impl Form {
    fn tag(&mut self, tag: u8) {
        self.0.update([tag]);
    }

    fn id(&mut self, id: Uuid) {
        self.0.update(id.as_bytes());
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    /// A set: neither order nor repeats say anything.
    fn users(&mut self, users: &[UserId]) {
        let users: BTreeSet<&UserId> = users.iter().collect();
        self.0.update((users.len() as u64).to_be_bytes());
        for user in users {
            self.id(user.0);
        }
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Text { text } => {
                self.tag(1);
                self.text(text.as_str());
            }
            Content::Image { attachment, caption } | Content::File { attachment, caption } => {
                self.tag(if matches!(content, Content::Image { .. }) {
                    2
                } else {
                    3
                });
                self.id(*attachment);
                self.text(caption.as_ref().map_or("", |caption| caption.as_str()));
            }
        }
    }

    fn finish(self) -> i64 {
        let digest = self.0.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        i64::from_be_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::MessageText;

    fn send(text: &str, reply_to: Option<Uuid>) -> Command {
        Command {
            id: CommandId(Uuid::from_u128(1)),
            actor: UserId(Uuid::from_u128(2)),
            conversation: ConversationId(Uuid::from_u128(3)),
            body: ConversationCommand::SendMessage {
                content: Content::Text {
                    text: MessageText::parse(text).unwrap(),
                },
                reply_to,
                mentions: vec![],
            },
        }
    }

    #[test]
    fn other_content_has_another_digest() {
        assert_eq!(send("a", None).digest(), send("a", None).digest());
        assert_ne!(send("a", None).digest(), send("b", None).digest());
        assert_ne!(
            send("a", None).digest(),
            send("a", Some(Uuid::from_u128(7))).digest()
        );
    }

    #[test]
    fn lists_that_mean_sets_are_the_same_in_any_order() {
        let create = |members: &[u128]| Command {
            body: ConversationCommand::CreateGroup {
                name: GroupName::parse("group").unwrap(),
                members: members.iter().map(|n| UserId(Uuid::from_u128(*n))).collect(),
            },
            ..send("a", None)
        };
        assert_eq!(create(&[1, 2, 3]).digest(), create(&[3, 1, 2, 1]).digest());
        assert_ne!(create(&[1, 2, 3]).digest(), create(&[1, 2]).digest());
    }

    /// Digests are stored for ever: a retry years from now is compared with them.
    #[test]
    fn the_form_of_a_digest_never_changes() {
        assert_eq!(send("hello", None).digest(), PINNED_DIGEST);
    }

    const PINNED_DIGEST: i64 = -8_628_427_205_309_453_621;
}
