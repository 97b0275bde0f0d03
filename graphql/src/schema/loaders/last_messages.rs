//! The last message of each conversation. Whoever asks has made sure that the viewer is a member.

use crate::database::{Database, NoAnswer};
use crate::schema::message::Message;
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use uuid::Uuid;

/// Read from the history itself, which may be a little ahead of or behind what the conversation's row says.
const LAST: &str = "SELECT m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions, \
    m.edited_at, m.recalled_at FROM unnest($1::uuid[]) k(conversation) CROSS JOIN LATERAL \
    (SELECT * FROM p_history.message h WHERE h.conversation = k.conversation ORDER BY h.seq DESC LIMIT 1) m";

pub(crate) struct LastMessages(pub(super) Database);

impl Loader<Uuid> for LastMessages {
    type Value = Message;
    type Error = NoAnswer;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, Message>, NoAnswer> {
        let found = self.0.rows(LAST, &[&conversations], Message::read).await?;
        Ok(found
            .into_iter()
            .map(|message| (message.conversation, message))
            .collect())
    }
}
