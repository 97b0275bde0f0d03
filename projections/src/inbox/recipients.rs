//! Who was to have a message, and what has become of it with each: for administrators, who see it of groups of any size.

use crate::select::{Select, Sql};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static RECIPIENTS: Sql = Sql::new(include_str!("recipients.sql"));
static RECIPIENT_COUNTS: Sql = Sql::new(include_str!("recipient_counts.sql"));

/// A message, and who has sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentMessage {
    pub conversation: Uuid,
    pub seq: i64,
    pub sender: Uuid,
}

/// Somebody who was a member when a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub user: Uuid,
    /// A device of theirs has been sent it.
    pub is_delivered: bool,
    pub has_read: bool,
    /// They are no member any more.
    pub has_left: bool,
}

/// How many recipients of a message there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecipientCounts {
    /// As many as were looked at.
    pub looked_at: i64,
    pub delivered: i64,
    pub read: i64,
}

/// The recipients of a message behind the user `after`, in the order of their ids, at most `rows`. Who came back after it is none of
/// them any more.
pub fn recipients(sent: SentMessage, after: Option<Uuid>, rows: i64) -> Select<Recipient> {
    let read = |row: &Row| {
        Ok::<_, Error>(Recipient {
            user: row.try_get("user_id")?,
            is_delivered: row.try_get("is_delivered")?,
            has_read: row.try_get("has_read")?,
            has_left: row.try_get("has_left")?,
        })
    };
    of(Select::new(&RECIPIENTS, read), sent, after, rows)
}

/// How many there are of them, among the first `most`.
pub fn recipient_counts(sent: SentMessage, most: i64) -> Select<RecipientCounts> {
    let read = |row: &Row| {
        Ok::<_, Error>(RecipientCounts {
            looked_at: row.try_get("looked_at")?,
            delivered: row.try_get("delivered")?,
            read: row.try_get("read")?,
        })
    };
    of(Select::new(&RECIPIENT_COUNTS, read), sent, None, most)
}

fn of<T>(select: Select<T>, sent: SentMessage, after: Option<Uuid>, rows: i64) -> Select<T> {
    select
        .with(sent.conversation)
        .with(sent.seq)
        .with(sent.sender)
        // Nobody has the id that comes before all others.
        .with(after.unwrap_or_default())
        .with(rows)
}
