//! People who come into groups of themselves, or ask for it.

use super::command::Translated;
use tidings_domain::{ConversationCommand, ConversationId, UserId};
use uuid::Uuid;

pub(super) fn join(conversation: Uuid) -> Translated {
    (ConversationId(conversation), ConversationCommand::Join)
}

pub(super) fn approve(conversation: Uuid, user: Uuid) -> Translated {
    let user = UserId(user);
    (
        ConversationId(conversation),
        ConversationCommand::Approve { user },
    )
}

pub(super) fn refuse(conversation: Uuid, user: Uuid) -> Translated {
    let user = UserId(user);
    (ConversationId(conversation), ConversationCommand::Refuse { user })
}
