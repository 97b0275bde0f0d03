//! Messages by id.

use crate::database::{Database, NoAnswer};
use crate::schema::message::Message;
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use uuid::Uuid;

const BY_ID: &str = "SELECT m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions, \
    m.edited_at, m.recalled_at FROM unnest($1::uuid[], $2::uuid[]) k(conversation, message) \
    JOIN p_history.message m ON m.conversation = k.conversation AND m.message = k.message";

pub(crate) struct Messages(pub(super) Database);

/// A message in a conversation. Whoever asks has made sure that the viewer is a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageId {
    pub(crate) conversation: Uuid,
    pub(crate) message: Uuid,
}

impl Loader<MessageId> for Messages {
    type Value = Message;
    type Error = NoAnswer;

    async fn load(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Message>, NoAnswer> {
        let conversations: Vec<Uuid> = ids.iter().map(|id| id.conversation).collect();
        let messages: Vec<Uuid> = ids.iter().map(|id| id.message).collect();
        let found = self
            .0
            .rows(BY_ID, &[&conversations, &messages], Message::read)
            .await?;
        let key = |found: &Message| MessageId {
            conversation: found.conversation,
            message: found.id,
        };
        Ok(found
            .into_iter()
            .map(|message| (key(&message), message))
            .collect())
    }
}
