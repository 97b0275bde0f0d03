//! Invite links.

use super::command::{Author, Translated};
use serde_json::{Map, Value};
use tidings_domain::{
    ConversationCommand, ConversationId, DigestKey, Field, LINK_SECONDS, LinkSecret, Rejection,
};
use uuid::Uuid;

pub(super) fn create(
    author: &Author,
    key: &DigestKey,
    conversation: Uuid,
    seconds: Option<u32>,
    uses: Option<u32>,
) -> Translated {
    let conversation = ConversationId(conversation);
    let command = ConversationCommand::CreateLink {
        proof: LinkSecret::of(key, conversation, author.user, author.id).proof(),
        seconds: seconds.unwrap_or(LINK_SECONDS),
        uses,
    };
    (conversation, command)
}

pub(super) fn revoke(conversation: Uuid, link: Uuid) -> Translated {
    (
        ConversationId(conversation),
        ConversationCommand::RevokeLink { link },
    )
}

/// What cannot be the secret of any link is told from one that is over by nobody.
pub(super) fn join(secret: &str) -> Result<Translated, Rejection> {
    let (conversation, secret) = LinkSecret::read(secret).ok_or(Rejection::NotFound(Field::Secret))?;
    let proof = secret.proof();
    Ok((conversation, ConversationCommand::JoinByLink { proof }))
}

/// What whoever makes a link is told of it, and nobody else: the same each time.
pub(super) fn made(author: &Author, key: &DigestKey, conversation: ConversationId) -> Map<String, Value> {
    let secret = LinkSecret::of(key, conversation, author.user, author.id);
    let link = ("link".to_owned(), author.id.0.to_string().into());
    let secret = ("secret".to_owned(), secret.spell(conversation).into());
    Map::from_iter([link, secret])
}
