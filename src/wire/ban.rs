//! People who are out of a group, and stay out.

use super::command::Translated;
use tidings_domain::{ConversationCommand, ConversationId, Reason, Rejection, UserId};
use tidings_protocol::Timestamp;
use uuid::Uuid;

pub(super) fn ban(
    conversation: Uuid,
    user: Uuid,
    until: Option<Timestamp>,
    reason: Option<&str>,
) -> Result<Translated, Rejection> {
    let command = ConversationCommand::Ban {
        user: UserId(user),
        until: until.map(|until| until.0.into()),
        reason: reason.map(Reason::parse).transpose()?,
    };
    Ok((ConversationId(conversation), command))
}

pub(super) fn unban(conversation: Uuid, user: Uuid) -> Translated {
    let user = UserId(user);
    (ConversationId(conversation), ConversationCommand::Unban { user })
}
