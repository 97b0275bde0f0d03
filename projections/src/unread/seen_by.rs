//! Who has read a message.

use crate::conversations::Member;
use crate::select::{Select, Sql};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static SEEN_BY: Sql = Sql::new(include_str!("seen_by.sql"));

/// Those who have read messages, each with which message, from 1: members who were there before it, without its sender, in the
/// order of their ids, and at most `most` of a message. A message is named by what stands at the same place of the lists, among it the
/// message that begins its thread, if it stands in one, and whether the main timeline shows it.
pub fn seen_by(
    conversations: Vec<Uuid>,
    seqs: Vec<i64>,
    senders: Vec<Uuid>,
    threads: Vec<Option<Uuid>>,
    mains: Vec<bool>,
    most: usize,
) -> Select<(i64, Member)> {
    Select::new(&SEEN_BY, of_message)
        .with(conversations)
        .with(seqs)
        .with(senders)
        .with(threads)
        .with(mains)
        .with(i64::try_from(most).unwrap_or(i64::MAX))
}

/// Reads a member, and which of the messages it is about.
pub(crate) fn of_message(row: &Row) -> Result<(i64, Member), Error> {
    Ok((row.try_get("number")?, Member::read(row)?))
}
