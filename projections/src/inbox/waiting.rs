//! Conversations with messages that no device of a member has been sent.

use crate::conversations::conversation::{Activity, Conversation, by_activity};
use crate::select::{Listed, Range, Select, Sql};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A conversation with undelivered messages.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub conversation: Conversation,
    /// How many messages wait that were not recalled and are of nobody whom `viewer` blocks: none, where all are of such people.
    pub pending_count: i64,
    /// Up to which seq the conversation was delivered.
    pub delivered_seq: i64,
}

static WAITING: Sql = Sql::new(include_str!("waiting.sql"));

/// A part of the conversations that hold undelivered messages for `viewer`, newest activity first.
pub fn waiting(viewer: Uuid, range: &Range<Activity>) -> Select<Listed<Waiting>> {
    let read = |row: &Row| Listed::read(row, "conversation", Waiting::read);
    by_activity(Select::new(&WAITING, read).ordered(range.order), viewer, range)
}

impl Waiting {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            conversation: Conversation::read(row)?,
            pending_count: row.try_get("pending_count")?,
            delivered_seq: row.try_get("delivered_seq")?,
        })
    }
}
