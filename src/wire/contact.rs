//! Contacts and blocks.

use super::command::{Author, Wanted};
use tidings_domain::{ConversationId, Greeting, PairCommand, Rejection, UserId};
use uuid::Uuid;

pub(super) fn request(author: &Author, user: Uuid, text: Option<&str>) -> Result<Wanted, Rejection> {
    let text = text.map(Greeting::parse).transpose()?;
    Ok(wanted(author, user, PairCommand::Request { text }))
}

/// What somebody wants of somebody else. The id of their direct conversation names the two, whether it is there or not.
pub(super) fn wanted(author: &Author, user: Uuid, command: PairCommand) -> Wanted {
    let user = UserId(user);
    Wanted::Pair {
        direct: ConversationId::direct(author.log_id, author.user, user),
        user,
        command,
    }
}
