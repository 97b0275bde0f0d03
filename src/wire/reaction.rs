//! Reactions to messages.

use super::command::Translated;
use tidings_domain::{ConversationCommand, ConversationId, Emoji, Rejection};
use uuid::Uuid;

pub(super) fn react(
    conversation: Uuid,
    message: Uuid,
    emoji: String,
    on: bool,
) -> Result<Translated, Rejection> {
    let emoji = Emoji::parse(emoji)?;
    let body = ConversationCommand::React { message, emoji, on };
    Ok((ConversationId(conversation), body))
}
