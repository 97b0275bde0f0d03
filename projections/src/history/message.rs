//! Messages as they are now.

use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    pub conversation: Uuid,
    pub seq: i64,
    /// The id of the command that sent it.
    pub id: Uuid,
    pub sender: Uuid,
    pub sent_at: DateTime<Utc>,
    /// `text`, `image` or `file`.
    pub kind: String,
    /// The text or the caption. None when it was recalled.
    // Shared, because a message may be asked for by many names at once.
    pub text: Option<Arc<str>>,
    pub attachment: Option<Uuid>,
    pub reply_to: Option<Uuid>,
    pub mentions: Vec<Uuid>,
    pub edited_at: Option<DateTime<Utc>>,
    pub recalled_at: Option<DateTime<Utc>>,
}

static BY_ID: Sql = Sql::new(include_str!("by_id.sql"));
static LAST: Sql = Sql::new(include_str!("last.sql"));
static PAGES: Sql = Sql::new(include_str!("page.sql"));

/// The messages of these ids, each in the conversation at the same place of `conversations`.
pub fn by_id(conversations: Vec<Uuid>, messages: Vec<Uuid>) -> Select<Message> {
    Select::new(BY_ID.text(), Message::read)
        .with(conversations)
        .with(messages)
}

/// The last message of each of `conversations`.
pub fn last(conversations: Vec<Uuid>) -> Select<Message> {
    Select::new(LAST.text(), Message::read).with(conversations)
}

/// A part of the messages of each of `conversations`, in the order of their seq; of each, what lies behind the seq at the
/// same place of `floors`.
pub fn pages(conversations: Vec<Uuid>, floors: Vec<i64>, range: &Range<i64>) -> Select<Listed<Message>> {
    let read = |row: &Row| Listed::read(row, "message", Message::read);
    Select::new(PAGES.ordered(range.order), read)
        .with(conversations)
        .with(floors)
        .with(range.after)
        .with(range.before)
        .with(range.rows)
}

impl Message {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            conversation: row.try_get("conversation")?,
            seq: row.try_get("seq")?,
            id: row.try_get("message")?,
            sender: row.try_get("sender")?,
            sent_at: row.try_get("at")?,
            kind: row.try_get("kind")?,
            text: row.try_get::<_, Option<&str>>("text")?.map(Arc::from),
            attachment: row.try_get("attachment")?,
            reply_to: row.try_get("reply_to")?,
            mentions: row.try_get("mentions")?,
            edited_at: row.try_get("edited_at")?,
            recalled_at: row.try_get("recalled_at")?,
        })
    }
}
