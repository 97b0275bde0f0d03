//! From the wire's commands to the domain's.

use super::Gateway;
use crate::lanes::Refusal;
use tidings_domain::{
    Command, CommandId, Content, ConversationCommand, ConversationId, Field, GroupName, MessageText,
    Rejection, Role, UserId,
};
use tidings_protocol as wire;

/// What a wire command turns out to be.
pub(super) enum Wanted {
    /// For the conversation's lane.
    Command(Command),
    Read {
        conversation: ConversationId,
        seq: u64,
    },
    Fetch {
        conversation: ConversationId,
        from: u64,
        limit: u32,
    },
    /// A command of the protocol that this version does not carry out.
    Unsupported,
}

/// Parses a command into the domain's types and looks up what it names.
///
/// What only some commands wait for is boxed: every connection has room for this future for as long as it lives.
pub(super) async fn translate(
    gateway: &Gateway,
    user: UserId,
    command: wire::Command,
) -> Result<Wanted, Refusal> {
    let id = CommandId(command.id);
    let (conversation, body) = match command.action {
        wire::Action::DirectOpen { user: other } => {
            let other = UserId(other);
            Box::pin(known(gateway, &[other], Field::User)).await?;
            let conversation = ConversationId::direct(gateway.log_id, user, other);
            (conversation, ConversationCommand::OpenDirect { user: other })
        }
        wire::Action::GroupCreate { name, members } => {
            let members: Vec<UserId> = members.into_iter().map(UserId).collect();
            let name = GroupName::parse(&name)?;
            Box::pin(known(gateway, &members, Field::Members)).await?;
            let conversation = ConversationId::group(gateway.log_id, user, id);
            (conversation, ConversationCommand::CreateGroup { name, members })
        }
        wire::Action::GroupAdd { conversation, user } => {
            Box::pin(known(gateway, &[UserId(user)], Field::User)).await?;
            (
                ConversationId(conversation),
                ConversationCommand::AddMember { user: UserId(user) },
            )
        }
        wire::Action::GroupRemove { conversation, user } => (
            ConversationId(conversation),
            ConversationCommand::RemoveMember { user: UserId(user) },
        ),
        wire::Action::GroupLeave { conversation } => {
            (ConversationId(conversation), ConversationCommand::Leave)
        }
        wire::Action::GroupRename { conversation, name } => (
            ConversationId(conversation),
            ConversationCommand::Rename {
                name: GroupName::parse(&name)?,
            },
        ),
        wire::Action::GroupRole {
            conversation,
            user,
            role,
        } => {
            let role = match role {
                wire::Role::Owner => Role::Owner,
                wire::Role::Admin => Role::Admin,
                wire::Role::Member => Role::Member,
            };
            (
                ConversationId(conversation),
                ConversationCommand::ChangeRole {
                    user: UserId(user),
                    role,
                },
            )
        }
        wire::Action::MessageSend {
            conversation,
            content,
            reply_to,
            mentions,
        } => {
            let content = parse_content(content)?;
            let mentions = mentions.into_iter().map(UserId).collect();
            (
                ConversationId(conversation),
                ConversationCommand::SendMessage {
                    content,
                    reply_to,
                    mentions,
                },
            )
        }
        wire::Action::Read { conversation, seq } => {
            return Ok(Wanted::Read {
                conversation: ConversationId(conversation),
                seq,
            });
        }
        wire::Action::Fetch {
            conversation,
            from,
            limit,
        } => {
            return Ok(Wanted::Fetch {
                conversation: ConversationId(conversation),
                from,
                limit,
            });
        }
        wire::Action::MessageEdit { .. }
        | wire::Action::MessageRecall { .. }
        | wire::Action::MessageReact { .. } => {
            return Ok(Wanted::Unsupported);
        }
    };
    Ok(Wanted::Command(Command {
        id,
        actor: user,
        conversation,
        body,
    }))
}

fn parse_content(content: wire::Content) -> Result<Content, Rejection> {
    let caption = |caption: Option<String>| caption.map(MessageText::parse).transpose();
    Ok(match content {
        wire::Content::Text { text } => Content::Text {
            text: MessageText::parse(text)?,
        },
        wire::Content::Image {
            attachment,
            caption: text,
        } => Content::Image {
            attachment,
            caption: caption(text)?,
        },
        wire::Content::File {
            attachment,
            caption: text,
        } => Content::File {
            attachment,
            caption: caption(text)?,
        },
    })
}

async fn known(gateway: &Gateway, users: &[UserId], field: Field) -> Result<(), Refusal> {
    match gateway.directory.all_known(users).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Rejection::NotFound(field).into()),
        Err(_) => Err(Refusal::Unavailable),
    }
}
