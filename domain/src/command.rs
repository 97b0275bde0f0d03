//! What people ask for, already parsed; whether it may happen is for `decide` to say.

use crate::conversation::forward::Source;
use crate::conversation::group_settings::SettingsChange;
use crate::conversation::message::{Says, SendMessage};
use crate::conversation::reaction::Emoji;
use crate::conversation::{
    ban, deletion, direct, edit, group, group_settings, invitation, joining, link, message, muted, pin,
    reaction, recall, withholding,
};
use crate::digest::{DigestKey, Form};
use crate::event::{Content, Role};
use crate::facts::{Aspect, Need};
use crate::id::{CommandId, ConversationId, ReportId, UserId};
use crate::moment::Moment;
use crate::text::{GroupName, Reason};
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
    /// Makes somebody else the owner in the actor's place.
    TransferGroup {
        user: UserId,
    },
    ChangeSettings(SettingsChange),
    MuteMember {
        user: UserId,
        on: bool,
        until: Option<Moment>,
    },
    Ban {
        user: UserId,
        until: Option<Moment>,
        reason: Option<Reason>,
    },
    Unban {
        user: UserId,
    },
    /// Makes a link whose secret has this proof.
    CreateLink {
        proof: Uuid,
        seconds: u32,
        uses: Option<u32>,
    },
    RevokeLink {
        link: Uuid,
    },
    /// Comes in by the link whose secret has this proof.
    JoinByLink {
        proof: Uuid,
    },
    /// Comes in, or asks for it.
    Join,
    Approve {
        user: UserId,
    },
    Refuse {
        user: UserId,
    },
    /// Asks somebody to come in.
    Invite {
        user: UserId,
    },
    AcceptInvitation,
    DeclineInvitation,
    WithdrawInvitation {
        user: UserId,
    },
    /// The server's own: the actor's account is deleted.
    Depart,
    SendMessage(SendMessage),
    EditMessage {
        message: Uuid,
        content: Content,
    },
    RecallMessage {
        message: Uuid,
    },
    /// Takes a message back that was reported. The server sends it for a moderator, who need be no member.
    Moderate {
        message: Uuid,
        reason: Reason,
    },
    /// Keeps from everybody what a message says that was reported. The server sends it in the same way.
    Withhold {
        message: Uuid,
        /// For which, while it is not settled.
        report: ReportId,
        reason: Reason,
    },
    /// Shows again what is withheld. The server sends it in the same way.
    ShowAgain {
        message: Uuid,
    },
    React {
        message: Uuid,
        emoji: Emoji,
        on: bool,
    },
    Pin {
        message: Uuid,
        on: bool,
    },
}

impl ConversationCommand {
    /// Whether it shows the members something new of its actor, be it a word or a sign.
    pub fn shows_something(&self) -> bool {
        matches!(
            self,
            Self::SendMessage(_) | Self::EditMessage { .. } | Self::React { .. } | Self::Pin { .. }
        )
    }
}

impl Command {
    /// What the command must know beyond the state of its conversation. It is among the [`Facts`](crate::Facts) that the command
    /// is decided on, as far as what it names exists. Members whom a command names are in the state.
    pub fn needs(&self) -> impl Iterator<Item = Need<'_>> {
        let of = |message, aspect| Some(Need::Message { message, aspect });
        let needs = match &self.body {
            ConversationCommand::SendMessage(send) => [send.reply_to, send.thread.map(|thread| thread.root)]
                .map(|message| message.and_then(|message| of(message, Aspect::Presence))),
            ConversationCommand::EditMessage { message, .. }
            | ConversationCommand::RecallMessage { message }
            | ConversationCommand::Moderate { message, .. }
            | ConversationCommand::Withhold { message, .. }
            | ConversationCommand::ShowAgain { message }
            | ConversationCommand::Pin { message, .. } => [of(*message, Aspect::Message), None],
            ConversationCommand::React { message, .. } => [of(*message, Aspect::Reactions), None],
            ConversationCommand::OpenDirect { user }
            | ConversationCommand::AddMember { user }
            | ConversationCommand::Approve { user }
            | ConversationCommand::Invite { user }
            | ConversationCommand::Ban { user, .. } => [Some(Need::Users(std::slice::from_ref(user))), None],
            ConversationCommand::JoinByLink { .. }
            | ConversationCommand::Join
            | ConversationCommand::AcceptInvitation => {
                [Some(Need::Users(std::slice::from_ref(&self.actor))), None]
            }
            ConversationCommand::CreateGroup { members, .. } => [Some(Need::Users(members)), None],
            ConversationCommand::RemoveMember { .. }
            | ConversationCommand::Leave
            | ConversationCommand::Rename { .. }
            | ConversationCommand::ChangeRole { .. }
            | ConversationCommand::TransferGroup { .. }
            | ConversationCommand::ChangeSettings(_)
            | ConversationCommand::MuteMember { .. }
            | ConversationCommand::Unban { .. }
            | ConversationCommand::CreateLink { .. }
            | ConversationCommand::RevokeLink { .. }
            | ConversationCommand::Refuse { .. }
            | ConversationCommand::DeclineInvitation
            | ConversationCommand::WithdrawInvitation { .. }
            | ConversationCommand::Depart => [None, None],
        };
        needs.into_iter().flatten()
    }

    /// The attachment that it shows for the first time, which its actor must have stored. It is among the facts, as far as it exists.
    pub fn attaches(&self) -> Option<Uuid> {
        match &self.body {
            ConversationCommand::SendMessage(SendMessage {
                says: Says::Content(content),
                ..
            }) => content.attachment(),
            _ => None,
        }
    }

    /// The message that it forwards. What that says is among the facts, as far as the actor may see it.
    pub fn forwards(&self) -> Option<Source> {
        match &self.body {
            ConversationCommand::SendMessage(SendMessage {
                says: Says::Forward(source),
                ..
            }) => Some(*source),
            _ => None,
        }
    }

    /// Whether it sends a message that the main timeline shows, so that its actor has read what is before it.
    pub fn reads_before(&self) -> bool {
        match &self.body {
            ConversationCommand::SendMessage(send) => send.thread.is_none_or(|thread| thread.also),
            _ => false,
        }
    }

    /// Whether it depends on what two people are to one another, if its conversation is or becomes a direct one.
    pub fn meets(&self) -> bool {
        self.body.shows_something() || self.opens()
    }

    /// People whom it wants to have in a conversation. What they are to its actor is among the facts, and for invitations how many the actor
    /// has sent.
    pub fn brings(&self) -> &[UserId] {
        match &self.body {
            ConversationCommand::OpenDirect { user }
            | ConversationCommand::AddMember { user }
            | ConversationCommand::Invite { user } => std::slice::from_ref(user),
            ConversationCommand::CreateGroup { members, .. } => members,
            _ => &[],
        }
    }

    /// Whether it puts the actor into a conversation as well as those whom it names.
    pub fn brings_actor(&self) -> bool {
        matches!(
            self.body,
            ConversationCommand::OpenDirect { .. } | ConversationCommand::CreateGroup { .. }
        )
    }

    /// Whether the first event of the conversation is the answer where there is nothing to do.
    pub fn opens(&self) -> bool {
        matches!(self.body, ConversationCommand::OpenDirect { .. })
    }

    /// A fingerprint of what the command says, kept with its events. A retry with the same id must have the same one. `key` is the
    /// log's own.
    pub fn digest(&self, key: &DigestKey) -> i64 {
        let mut form = Form::new(key);
        form.id(self.actor.0);
        form.id(self.conversation.0);
        match &self.body {
            ConversationCommand::OpenDirect { user } => direct::open_form(&mut form, *user),
            ConversationCommand::CreateGroup { name, members } => {
                group::create_form(&mut form, name, members);
            }
            ConversationCommand::AddMember { user } => group::add_form(&mut form, *user),
            ConversationCommand::RemoveMember { user } => group::remove_form(&mut form, *user),
            ConversationCommand::Leave => group::leave_form(&mut form),
            ConversationCommand::Rename { name } => group::rename_form(&mut form, name),
            ConversationCommand::ChangeRole { user, role } => group::role_form(&mut form, *user, *role),
            ConversationCommand::TransferGroup { user } => group::transfer_form(&mut form, *user),
            ConversationCommand::ChangeSettings(change) => group_settings::settings_form(&mut form, change),
            ConversationCommand::MuteMember { user, on, until } => {
                muted::mute_form(&mut form, *user, *on, *until);
            }
            ConversationCommand::Ban { user, until, reason } => {
                ban::ban_form(&mut form, *user, *until, reason.as_ref());
            }
            ConversationCommand::Unban { user } => ban::unban_form(&mut form, *user),
            ConversationCommand::CreateLink { proof, seconds, uses } => {
                link::create_form(&mut form, *proof, *seconds, *uses);
            }
            ConversationCommand::RevokeLink { link } => link::revoke_form(&mut form, *link),
            ConversationCommand::JoinByLink { proof } => link::join_form(&mut form, *proof),
            ConversationCommand::Join => joining::join_form(&mut form),
            ConversationCommand::Approve { user } => joining::approve_form(&mut form, *user),
            ConversationCommand::Refuse { user } => joining::refuse_form(&mut form, *user),
            ConversationCommand::Invite { user } => invitation::invite_form(&mut form, *user),
            ConversationCommand::AcceptInvitation => invitation::accept_form(&mut form),
            ConversationCommand::DeclineInvitation => invitation::decline_form(&mut form),
            ConversationCommand::WithdrawInvitation { user } => {
                invitation::withdraw_form(&mut form, *user);
            }
            ConversationCommand::Depart => deletion::depart_form(&mut form),
            ConversationCommand::SendMessage(send) => message::send_form(&mut form, send),
            ConversationCommand::EditMessage { message, content } => {
                edit::edit_form(&mut form, *message, content);
            }
            ConversationCommand::RecallMessage { message } => recall::recall_form(&mut form, *message),
            ConversationCommand::Moderate { message, reason } => {
                recall::moderate_form(&mut form, *message, reason);
            }
            ConversationCommand::Withhold { message, reason, .. } => {
                withholding::withhold_form(&mut form, *message, reason);
            }
            ConversationCommand::ShowAgain { message } => {
                withholding::show_again_form(&mut form, *message);
            }
            ConversationCommand::React { message, emoji, on } => {
                reaction::react_form(&mut form, *message, emoji, *on);
            }
            ConversationCommand::Pin { message, on } => pin::pin_form(&mut form, *message, *on),
        }
        form.finish()
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
            body: ConversationCommand::SendMessage(SendMessage {
                reply_to,
                ..SendMessage::from(Content::Text {
                    text: MessageText::parse(text).unwrap(),
                })
            }),
        }
    }

    fn key() -> DigestKey {
        DigestKey::new(b"a secret")
    }

    #[test]
    fn another_log_has_other_digests_and_shows_its_key_to_nobody() {
        let other = DigestKey::new(b"another secret");
        assert_ne!(send("a", None).digest(&key()), send("a", None).digest(&other));
        assert_eq!(format!("{:?}", key()), "DigestKey(..)");
    }

    #[test]
    fn other_content_has_another_digest() {
        assert_eq!(send("a", None).digest(&key()), send("a", None).digest(&key()));
        assert_ne!(send("a", None).digest(&key()), send("b", None).digest(&key()));
        assert_ne!(
            send("a", None).digest(&key()),
            send("a", Some(Uuid::from_u128(7))).digest(&key())
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
        assert_eq!(
            create(&[1, 2, 3]).digest(&key()),
            create(&[3, 1, 2, 1]).digest(&key())
        );
        assert_ne!(create(&[1, 2, 3]).digest(&key()), create(&[1, 2]).digest(&key()));
    }

    /// Digests are stored for ever: a retry years from now is compared with them.
    #[test]
    fn the_form_of_a_digest_never_changes() {
        assert_eq!(send("hello", None).digest(&key()), PINNED_DIGEST);
    }

    const PINNED_DIGEST: i64 = 4_668_105_523_684_119_534;

    #[test]
    fn each_part_of_what_is_done_to_a_message_is_in_its_digest() {
        let (one, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let edit = |message, text: &str| ConversationCommand::EditMessage {
            message,
            content: Content::Text {
                text: MessageText::parse(text).unwrap(),
            },
        };
        let react = |message, emoji: &str, on| ConversationCommand::React {
            message,
            emoji: Emoji::parse(emoji).unwrap(),
            on,
        };
        let recall = |message| ConversationCommand::RecallMessage { message };
        let bodies = [
            edit(one, "a"),
            edit(one, "b"),
            edit(other, "a"),
            recall(one),
            recall(other),
            react(one, "👍", true),
            react(one, "👍", false),
            react(one, "❤", true),
            react(other, "👍", true),
        ];
        let digests: Vec<i64> = bodies
            .into_iter()
            .map(|body| {
                Command {
                    body,
                    ..send("a", None)
                }
                .digest(&key())
            })
            .collect();
        let distinct: std::collections::HashSet<&i64> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
    }

    #[test]
    fn a_command_says_what_it_must_know() {
        let message = Uuid::from_u128(7);
        let with = |body| Command {
            body,
            ..send("a", None)
        };
        let recall = with(ConversationCommand::RecallMessage { message });
        let react = with(ConversationCommand::React {
            message,
            emoji: Emoji::parse("👍").unwrap(),
            on: true,
        });
        let aspect = |aspect| [Need::Message { message, aspect }];
        assert!(send("a", Some(message)).needs().eq(aspect(Aspect::Presence)));
        assert!(recall.needs().eq(aspect(Aspect::Message)));
        assert!(react.needs().eq(aspect(Aspect::Reactions)));
        let users = [UserId(Uuid::from_u128(8)), UserId(Uuid::from_u128(9))];
        let create = with(ConversationCommand::CreateGroup {
            name: GroupName::parse("group").unwrap(),
            members: users.to_vec(),
        });
        assert!(create.needs().eq([Need::Users(&users)]));
        for one in [
            ConversationCommand::AddMember { user: users[0] },
            ConversationCommand::OpenDirect { user: users[0] },
        ] {
            assert!(with(one).needs().eq([Need::Users(&users[..1])]));
        }
        assert_eq!(send("a", None).needs().count(), 0);
        assert_eq!(with(ConversationCommand::Leave).needs().count(), 0);
    }
}
