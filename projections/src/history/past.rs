//! Messages as they were when their conversation had come to some seq. What was recalled since comes without what it said, as the
//! read model has it.

use super::message::Message;
use super::thread::Thread;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The most replies of a thread that are counted for a moment that is past.
pub const PAST_REPLIES_MAX: i64 = 1_000;
/// The most threads with replies since a moment of which it is found out where they stood then.
pub const PAST_THREADS_MAX: i64 = 1_000;

static PAGE: Sql = Sql::new(include_str!("past_page.sql"));
static BY_ID: Sql = Sql::new(include_str!("past_by_id.sql"));
static PINS: Sql = Sql::new(include_str!("past_pins.sql"));
static REPLIES: Sql = Sql::new(include_str!("past_replies.sql"));
static THREADS: Sql = Sql::new(include_str!("past_threads.sql"));
static THREAD_ACTIVITY: Sql = Sql::new(include_str!("past_thread_activity.sql"));
static THREAD_REPLIES: Sql = Sql::new(include_str!("past_thread_replies.sql"));
static SAID: Sql = Sql::new(include_str!("past_said.sql"));

/// A part of the main timeline of a conversation at the seq `upto`, in the order of seqs, but for what `viewer` has hidden or does not see.
pub fn past_page(viewer: Uuid, conversation: Uuid, upto: i64, range: &Range<i64>) -> Select<Listed<Message>> {
    let read = |row: &Row| Listed::read(row, "message", Message::read);
    Select::new(&PAGE, read)
        .with(conversation)
        .with(upto)
        .within(range)
        .with(viewer)
}

/// The messages of these ids, each in the conversation and at the seq of the same place, but for what `viewer` has hidden or does not see. With
/// each comes that seq.
pub fn past_by_id(
    viewer: Uuid,
    conversations: Vec<Uuid>,
    messages: Vec<Uuid>,
    uptos: Vec<i64>,
) -> Select<(i64, Message)> {
    let read = |row: &Row| Ok((row.try_get("upto")?, Message::read(row)?));
    Select::new(&BY_ID, read)
        .with(conversations)
        .with(messages)
        .with(uptos)
        .with(viewer)
}

/// The messages of a conversation that were pinned at the seq `upto`, named by their seqs, in that order, but for what was recalled by now, and
/// what `viewer` has hidden or does not see.
pub fn past_pins(viewer: Uuid, conversation: Uuid, seqs: Vec<i64>, upto: i64) -> Select<Message> {
    Select::new(&PINS, Message::read)
        .with(conversation)
        .with(seqs)
        .with(upto)
        .with(viewer)
}

/// How many replies hung below these messages, but for what `viewer` has hidden: conversation, message, seq and count, at most
/// [`PAST_REPLIES_MAX`]. Each message is named by what stands at the same place of the lists, with the seq of which it is asked.
pub fn past_replies(
    viewer: Uuid,
    conversations: Vec<Uuid>,
    roots: Vec<Uuid>,
    uptos: Vec<i64>,
) -> Select<(Uuid, Uuid, i64, i64)> {
    let read = |row: &Row| {
        Ok((
            row.try_get("conversation")?,
            row.try_get("root")?,
            row.try_get("upto")?,
            row.try_get("count")?,
        ))
    };
    Select::new(&REPLIES, read)
        .with(conversations)
        .with(roots)
        .with(uptos)
        .with(PAST_REPLIES_MAX)
        .with(viewer)
}

/// The threads of these roots, each in the conversation and at the seq of the same place, but for those that `viewer` has cleared. With each
/// comes that seq. At most [`PAST_REPLIES_MAX`] replies are counted.
pub fn past_threads(
    viewer: Uuid,
    conversations: Vec<Uuid>,
    roots: Vec<Uuid>,
    uptos: Vec<i64>,
) -> Select<(i64, Thread)> {
    let read = |row: &Row| Ok((row.try_get("upto")?, Thread::read(row)?));
    Select::new(&THREADS, read)
        .with(viewer)
        .with(conversations)
        .with(roots)
        .with(uptos)
        .with(PAST_REPLIES_MAX)
}

/// A part of the threads of a conversation at the seq `upto`, the one that had been active last first, but for what `viewer` has cleared. A
/// place is the seq of a last reply. With each row comes whether more than [`PAST_THREADS_MAX`] threads had replies since, so that it is not
/// known which there were.
pub fn past_thread_activity(
    viewer: Uuid,
    conversation: Uuid,
    upto: i64,
    range: &Range<i64>,
) -> Select<(bool, Listed<Thread>)> {
    let read = |row: &Row| Ok((row.try_get("too_many")?, Listed::read(row, "root", Thread::read)?));
    Select::new(&THREAD_ACTIVITY, read)
        .with(conversation)
        .with(upto)
        .within(range)
        .with(viewer)
        .with(PAST_THREADS_MAX)
        .with(PAST_REPLIES_MAX)
}

/// A part of the replies in each of these threads, in the order of their seq, each at the seq of the same place, but for what `viewer` has hidden
/// or does not see.
pub fn past_thread_replies(
    viewer: Uuid,
    conversations: Vec<Uuid>,
    roots: Vec<Uuid>,
    uptos: Vec<i64>,
    range: &Range<i64>,
) -> Select<Listed<Message>> {
    let read = |row: &Row| Listed::read(row, "message", Message::read);
    Select::new(&THREAD_REPLIES, read)
        .with(conversations)
        .with(roots)
        .within(range)
        .with(viewer)
        .with(uptos)
}

/// When the last message of the main timeline was sent that stands at or below the seq `upto`, recalled or not.
pub fn past_said(conversation: Uuid, upto: i64) -> Select<DateTime<Utc>> {
    Select::new(&SAID, |row: &Row| row.try_get("at"))
        .with(conversation)
        .with(upto)
}
