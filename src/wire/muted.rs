//! Members of groups who are muted.

use super::command::Translated;
use tidings_domain::{ConversationCommand, ConversationId, UserId};
use tidings_protocol::Timestamp;
use uuid::Uuid;

pub(super) fn mute(conversation: Uuid, user: Uuid, on: bool, until: Option<Timestamp>) -> Translated {
    let command = ConversationCommand::MuteMember {
        user: UserId(user),
        on,
        until: until.map(|until| until.0.into()),
    };
    (ConversationId(conversation), command)
}
