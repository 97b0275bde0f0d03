//! Whose devices have been sent a message.

use crate::conversations::Member;
use crate::select::{Select, Sql};
use crate::unread::seen_by::of_message;
use uuid::Uuid;

static DELIVERED_TO: Sql = Sql::new(include_str!("delivered_to.sql"));

/// Those of whom a device has been sent messages, as [`seen_by`](crate::unread::seen_by) tells of those who have read them.
pub fn delivered_to(
    conversations: Vec<Uuid>,
    seqs: Vec<i64>,
    senders: Vec<Uuid>,
    most: usize,
) -> Select<(i64, Member)> {
    Select::new(&DELIVERED_TO, of_message)
        .with(conversations)
        .with(seqs)
        .with(senders)
        .with(i64::try_from(most).unwrap_or(i64::MAX))
}
