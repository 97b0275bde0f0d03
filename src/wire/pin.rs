//! Pinned messages.

use super::command::Translated;
use tidings_domain::{ConversationCommand, ConversationId};
use uuid::Uuid;

pub(super) fn pin(conversation: Uuid, message: Uuid, on: bool) -> Translated {
    (
        ConversationId(conversation),
        ConversationCommand::Pin { message, on },
    )
}
