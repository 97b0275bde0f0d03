//! Invitations into groups, by name.

use super::command::Translated;
use tidings_domain::{ConversationCommand, ConversationId, UserId};
use uuid::Uuid;

pub(super) fn invite(conversation: Uuid, user: Uuid) -> Translated {
    let user = UserId(user);
    (ConversationId(conversation), ConversationCommand::Invite { user })
}

pub(super) fn accept(conversation: Uuid) -> Translated {
    (
        ConversationId(conversation),
        ConversationCommand::AcceptInvitation,
    )
}

pub(super) fn decline(conversation: Uuid) -> Translated {
    (
        ConversationId(conversation),
        ConversationCommand::DeclineInvitation,
    )
}

pub(super) fn withdraw(conversation: Uuid, user: Uuid) -> Translated {
    let user = UserId(user);
    (
        ConversationId(conversation),
        ConversationCommand::WithdrawInvitation { user },
    )
}
