//! Fills the log of a stopped node with events, exactly as if they had been appended, in a fraction of the time.
//!
//! The log is that of a place where people come and talk: every 500th event somebody registers, every 100th two people open
//! a conversation, every 20th somebody's cursors move, and all others are messages. A third of these go to one large
//! conversation, a tenth to those of one person, and the rest mostly to conversations that were opened lately. Beside it, a group that
//! has changed again and again, and groups in which much is said.

mod author;
mod changes;
mod copy;
mod place;
mod talk;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use tidings_domain::DigestKey;
use tidings_eventlog::{Log, LogConfig};
use uuid::Uuid;

use author::{Author, Stream, Times};
pub use changes::{Turnover, seed_changes};
use copy::Table;
use place::Place;
pub(crate) use talk::Talk;
use tidings_bench::database::Database;

/// How far back the log goes. Less than what the inbox keeps.
const SPAN: TimeDelta = TimeDelta::days(14);
const EVENT: &str =
    "event (lane, pos, stream, seq, msg_no, kind, ver, control, actor, at, command, idx, digest, payload)";
/// As long as most of what people write.
const TEXT: &str =
    "The quick brown fox jumps over the lazy dog, and everybody in the room has seen it do so before.";

/// What a log is to hold.
pub struct Wanted {
    /// Events in all, those that are there already included.
    pub events: u64,
    /// Groups to be made, by their number of members.
    pub groups: Vec<usize>,
    /// Registered; is in the large conversation and in 199 others, and only reads.
    pub reader: Uuid,
    /// Registered; owns the groups.
    pub sender: Uuid,
}

/// What a seeded log holds.
#[derive(Debug)]
pub struct Seeded {
    pub events: u64,
    pub archive: Archive,
    /// All conversations of the reader, newest activity first.
    pub listed: Vec<Listed>,
    /// The groups with their numbers of members.
    pub groups: Vec<(usize, Uuid)>,
}

/// The large conversation: one event that made it, then nothing but messages.
#[derive(Debug)]
pub struct Archive {
    pub conversation: Uuid,
    pub messages: u64,
    /// Who writes, in turn.
    pub writers: Vec<Uuid>,
}

impl Archive {
    /// The message with this number, from 1: its seq, sender and text.
    pub fn message(&self, number: u64) -> (u64, Uuid, String) {
        let writer = self.writers[(number % self.writers.len() as u64) as usize];
        (number + 1, writer, text(number))
    }
}

/// A conversation of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub conversation: Uuid,
    pub last_seq: u64,
    pub unread: u64,
    last_at: DateTime<Utc>,
}

/// What the message with this number says in its conversation.
pub(crate) fn text(number: u64) -> String {
    format!("{number}. {TEXT}")
}

/// Fills a log. Its node must be stopped, and nothing may have happened but that the reader and the sender have registered,
/// which is moved back to when the log begins. Read models are left as they are.
///
/// # Errors
/// When the log is too short for what it is to hold.
pub async fn seed(database_url: &str, wanted: Wanted) -> Result<Seeded> {
    let database = Database::open(database_url).await?;
    let config = LogConfig::from_url(database_url)?;
    let log = Log::new(config.pool()?, config.timeout);
    let from = move_back(&database, SPAN).await?;
    let heads = log.heads().await?;
    let there: u64 = heads.iter().map(|lane| lane.head).sum();
    let known = log.stream_heads(&[wanted.reader, wanted.sender]).await?;
    let known: Option<Vec<Stream>> = known.iter().map(|head| head.as_ref().map(Stream::of)).collect();
    let known = known.context("the reader or the sender is not registered")?;
    ensure!(there == known.len() as u64, "the log is in use already");
    let missing = wanted.events.saturating_sub(there);
    make_segments(&database, wanted.events).await?;

    let mut tables = vec![];
    for _ in &heads {
        tables.push(Table::open(database_url, EVENT).await?);
    }
    let step = SPAN / i32::try_from(missing + 2).context("so many events do not fit")?;
    let times = Times {
        from: from + step,
        step,
    };
    let key = DigestKey::new(&log.secret().await?);
    let author = Author::new(&heads, tables, key, times);
    let mut place = Place::new(author, log.identity().await?, known);
    let filling = tokio::task::spawn_blocking(move || {
        let filled = place.fill(missing, &wanted);
        (place, filled)
    });
    let (place, filled) = filling.await?;
    let (author, streams) = place.leave();
    // Where a table broke off, it knows better why.
    let ends = author.close().await?;
    let mut seeded = filled?;
    seeded.events += there;
    write_heads(database_url, &database, streams, &ends).await?;
    Ok(seeded)
}

/// Moves what has happened back by so much; answers what is now then.
async fn move_back(database: &Database, span: TimeDelta) -> Result<DateTime<Utc>> {
    let now = database.query_one("SELECT now()", &[]).await?;
    let now: DateTime<Utc> = now.try_get(0)?;
    let from = now - span;
    for sql in [
        "UPDATE event SET at = at - $1::timestamptz + $2::timestamptz",
        "UPDATE stream SET last_at = last_at - $1::timestamptz + $2::timestamptz",
    ] {
        database.execute(sql, &[&now, &from]).await?;
    }
    Ok(from)
}

/// Makes the segments that so many events need even if all of them come to one lane, and the next one.
async fn make_segments(database: &Database, events: u64) -> Result<()> {
    let size = database.number("SELECT log_segment_size()").await?;
    let ahead = i32::try_from(i64::try_from(events)? / size + 1)?;
    database
        .query_one("SELECT log_ensure_segments($1)", &[&ahead])
        .await?;
    Ok(())
}

/// Writes how far streams and lanes have come.
async fn write_heads(
    database_url: &str,
    database: &Database,
    streams: Vec<Stream>,
    ends: &[(u64, DateTime<Utc>)],
) -> Result<()> {
    // Those that were there already are among `streams`.
    database.batch_execute("DELETE FROM stream").await?;
    let mut table = Table::open(
        database_url,
        "stream (lane, stream, head_seq, msg_no, guard_seq, last_at)",
    )
    .await?;
    let writing = tokio::task::spawn_blocking(move || {
        let wrote = streams.iter().try_for_each(|stream| table.row(&stream.row()));
        (table, wrote)
    });
    let (table, wrote) = writing.await?;
    table.close().await?;
    wrote?;
    let sql = "UPDATE log_lane SET head = $2, last_at = $3 WHERE lane = $1";
    for (lane, (head, last_at)) in (0_i16..).zip(ends) {
        database
            .execute(sql, &[&lane, &i64::try_from(*head)?, last_at])
            .await?;
    }
    Ok(())
}
