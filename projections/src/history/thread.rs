//! Threads: how many replies each has, and when the last one came.

use super::message::Message;
use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::MessageSent;
use tidings_eventlog::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A thread in which somebody has replied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub conversation: Uuid,
    /// The message that it hangs below.
    pub root: Uuid,
    /// Replies that were not recalled and are not withheld, as far as the viewer sees them; of a thread that began before what they see, of the newest 1,000.
    pub replies: i64,
    /// The seq of the last reply, recalled or not: what was active last stands first.
    pub last_seq: i64,
    pub last_at: DateTime<Utc>,
}

static BY_ROOT: Sql = Sql::new(include_str!("threads.sql"));
static ACTIVITY: Sql = Sql::new(include_str!("thread_activity.sql"));
static REPLIES: Sql = Sql::new(include_str!("replies.sql"));
static GOES_ON: Sql = Sql::new(include_str!("thread_goes_on.sql"));

/// The threads of these roots, each in the conversation at the same place of `conversations`, but for those that `viewer` has cleared.
pub fn threads(viewer: Uuid, conversations: Vec<Uuid>, roots: Vec<Uuid>) -> Select<Thread> {
    Select::new(&BY_ROOT, Thread::read)
        .with(viewer)
        .with(conversations)
        .with(roots)
}

/// A part of the threads of each of `conversations`, the one that was active last first, but for what `viewer` has cleared. A place is the
/// seq of a last reply.
pub fn thread_activity(viewer: Uuid, conversations: Vec<Uuid>, range: &Range<i64>) -> Select<Listed<Thread>> {
    let read = |row: &Row| Listed::read(row, "root", Thread::read);
    Select::new(&ACTIVITY, read)
        .with(conversations)
        .within(range)
        .with(viewer)
}

/// A part of the replies in each of these threads, in the order of their seq, but for what `viewer` has hidden.
pub fn replies(
    viewer: Uuid,
    conversations: Vec<Uuid>,
    roots: Vec<Uuid>,
    range: &Range<i64>,
) -> Select<Listed<Message>> {
    let read = |row: &Row| Listed::read(row, "message", Message::read);
    Select::new(&REPLIES, read)
        .with(conversations)
        .with(roots)
        .within(range)
        .with(viewer)
}

/// Whether somebody replied in a thread at `from` or behind it, recalled or not, as far as the read models have come.
pub async fn thread_goes_on(
    pool: &Pool,
    conversation: Uuid,
    root: Uuid,
    from: u64,
) -> Result<bool, ProjectionError> {
    // Nothing stands so far behind that it has no place there.
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&GOES_ON.text(client.home())).await?;
        let row = client
            .query_one(&statement, &[&conversation, &root, &from])
            .await?;
        Ok::<_, ProjectionError>(row.try_get("goes_on")?)
    };
    within(pool.timeout(), reading).await
}

impl Thread {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            conversation: row.try_get("conversation")?,
            root: row.try_get("root")?,
            replies: row.try_get("replies")?,
            last_seq: row.try_get("last_seq")?,
            last_at: row.try_get("last_at")?,
        })
    }
}

/// The replies of a batch by conversation, root and seq, with who sent each and when.
#[derive(Default)]
pub(super) struct Replies(BTreeMap<(Uuid, Uuid, i64), (Uuid, DateTime<Utc>)>);

impl Replies {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, sent: &MessageSent) {
        if let Some(root) = sent.thread {
            let key = (fact.stream(), root, fact.seq());
            self.0.insert(key, (fact.record.actor, fact.at()));
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let conversations: Vec<Uuid> = self.0.keys().map(|(conversation, ..)| *conversation).collect();
        let roots: Vec<Uuid> = self.0.keys().map(|(_, root, _)| *root).collect();
        let seqs: Vec<i64> = self.0.keys().map(|(.., seq)| *seq).collect();
        let (senders, ats): (Vec<Uuid>, Vec<DateTime<Utc>>) = self.0.values().copied().unzip();
        run(
            transaction,
            schema,
            include_str!("reply.sql"),
            &[&conversations, &roots, &seqs, &senders],
        )
        .await?;
        run(
            transaction,
            schema,
            include_str!("thread.sql"),
            &[&conversations, &roots, &seqs, &ats],
        )
        .await?;
        Ok(())
    }
}
