//! Groups and their members.

use super::command::{Author, Translated};
use tidings_domain::{ConversationCommand, ConversationId, GroupName, Rejection, Role, UserId};
use tidings_protocol as protocol;
use uuid::Uuid;

pub(super) fn create(author: &Author, name: &str, members: Vec<Uuid>) -> Result<Translated, Rejection> {
    let members: Vec<UserId> = members.into_iter().map(UserId).collect();
    let name = GroupName::parse(name)?;
    Ok((
        ConversationId::group(author.log_id, author.user, author.id),
        ConversationCommand::CreateGroup { name, members },
    ))
}

pub(super) fn add(conversation: Uuid, user: Uuid) -> Translated {
    let user = UserId(user);
    of(conversation, ConversationCommand::AddMember { user })
}

pub(super) fn remove(conversation: Uuid, user: Uuid) -> Translated {
    let user = UserId(user);
    of(conversation, ConversationCommand::RemoveMember { user })
}

pub(super) fn leave(conversation: Uuid) -> Translated {
    of(conversation, ConversationCommand::Leave)
}

pub(super) fn rename(conversation: Uuid, name: &str) -> Result<Translated, Rejection> {
    let name = GroupName::parse(name)?;
    Ok(of(conversation, ConversationCommand::Rename { name }))
}

pub(super) fn change_role(conversation: Uuid, user: Uuid, role: protocol::Role) -> Translated {
    let user = UserId(user);
    let role = match role {
        protocol::Role::Owner => Role::Owner,
        protocol::Role::Admin => Role::Admin,
        protocol::Role::Member => Role::Member,
    };
    of(conversation, ConversationCommand::ChangeRole { user, role })
}

pub(super) fn transfer(conversation: Uuid, user: Uuid) -> Translated {
    let user = UserId(user);
    of(conversation, ConversationCommand::TransferGroup { user })
}

fn of(conversation: Uuid, body: ConversationCommand) -> Translated {
    (ConversationId(conversation), body)
}
