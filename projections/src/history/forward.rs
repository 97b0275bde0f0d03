//! Forwards: whose words a message is.

use chrono::{DateTime, Utc};
use tidings_domain::event::MessageSent;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Whose words a message is, where they are not its sender's own, and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    pub sender: Uuid,
    pub sent_at: DateTime<Utc>,
    /// For those who may see it, and nobody else.
    pub conversation: Uuid,
    /// The same.
    pub message: Uuid,
}

impl Forwarded {
    pub(super) fn read(row: &Row) -> Result<Option<Self>, Error> {
        let Some(sender) = row.try_get("forwarded_sender")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            sender,
            sent_at: row.try_get("forwarded_at")?,
            conversation: row.try_get("forwarded_conversation")?,
            message: row.try_get("forwarded_message")?,
        }))
    }
}

/// The same of the messages of a batch, as columns.
#[derive(Default)]
pub(super) struct Columns {
    senders: Vec<Option<Uuid>>,
    ats: Vec<Option<DateTime<Utc>>>,
    conversations: Vec<Option<Uuid>>,
    messages: Vec<Option<Uuid>>,
}

impl Columns {
    pub(super) fn push(&mut self, sent: &MessageSent) {
        let forwarded = sent.forwarded.as_ref();
        self.senders.push(forwarded.map(|forwarded| forwarded.sender.0));
        self.ats.push(forwarded.map(|forwarded| forwarded.at));
        self.conversations
            .push(forwarded.map(|forwarded| forwarded.conversation.0));
        self.messages.push(forwarded.map(|forwarded| forwarded.message));
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.senders, &self.ats, &self.conversations, &self.messages]
    }
}
