//! Direct conversations.

use super::command::{Author, Named, Translated};
use tidings_domain::{ConversationCommand, ConversationId, Field, UserId};
use uuid::Uuid;

pub(super) fn open(author: &Author, user: Uuid) -> Translated {
    let user = UserId(user);
    let named = Named {
        users: vec![user],
        field: Field::User,
    };
    (
        ConversationId::direct(author.log_id, author.user, user),
        ConversationCommand::OpenDirect { user },
        Some(named),
    )
}
