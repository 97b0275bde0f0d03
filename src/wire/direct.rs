//! Direct conversations.

use super::command::{Author, Translated};
use tidings_domain::{ConversationCommand, ConversationId, UserId};
use uuid::Uuid;

pub(super) fn open(author: &Author, user: Uuid) -> Translated {
    let user = UserId(user);
    (
        ConversationId::direct(author.log_id, author.user, user),
        ConversationCommand::OpenDirect { user },
    )
}
