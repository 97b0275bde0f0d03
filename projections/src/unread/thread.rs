//! Threads, as each of their readers has them: who follows which, and how far it was read. Somebody follows a thread who began it, has replied
//! in it or was mentioned in it by name, unless they said otherwise. What a user's own stream says and what the conversation's does
//! lie in tables of their own and meet in the query.

use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Select, Sql};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::UserEvent;
use tidings_domain::event::MessageSent;
use tidings_eventlog::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static STATES: Sql = Sql::new(include_str!("thread_states.sql"));
static UNREAD: Sql = Sql::new(include_str!("unread_threads.sql"));
static READ_SEQ: Sql = Sql::new(include_str!("thread_read_seq.sql"));

/// A thread, as one of its readers has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadState {
    pub conversation: Uuid,
    pub root: Uuid,
    pub following: bool,
    /// Replies behind what was read that were not recalled, of people whom the viewer does not block; at most 1,000.
    pub unread: i64,
}

/// How `viewer` has each of these threads, of conversations of which they are a member.
pub fn thread_states(viewer: Uuid, conversations: Vec<Uuid>, roots: Vec<Uuid>) -> Select<ThreadState> {
    let read = |row: &Row| {
        Ok(ThreadState {
            conversation: row.try_get("conversation")?,
            root: row.try_get("root")?,
            following: row.try_get("following")?,
            unread: row.try_get("unread")?,
        })
    };
    Select::new(&STATES, read)
        .with(viewer)
        .with(conversations)
        .with(roots)
}

/// In how many threads that `viewer` follows something is unread, by conversation.
pub fn unread_threads(viewer: Uuid, conversations: Vec<Uuid>) -> Select<(Uuid, i64)> {
    let read = |row: &Row| Ok((row.try_get("conversation")?, row.try_get("threads")?));
    Select::new(&UNREAD, read).with(viewer).with(conversations)
}

/// How far `user` has read a thread, as far as the read models have come: by reading or by a reply of their own.
pub async fn thread_read_seq(
    pool: &Pool,
    user: Uuid,
    conversation: Uuid,
    thread: Uuid,
) -> Result<u64, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&READ_SEQ.text(client.home())).await?;
        let row = client
            .query_one(&statement, &[&user, &conversation, &thread])
            .await?;
        let seq: i64 = row.try_get("seq")?;
        Ok::<_, ProjectionError>(seq as u64)
    };
    within(pool.timeout(), reading).await
}

/// A user, a conversation and the message that begins a thread.
type Key = (Uuid, Uuid, Uuid);

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes {
    /// Who takes part, with the seq of their last reply; 0 of those who have not replied.
    parts: BTreeMap<Key, i64>,
    read: BTreeMap<Key, i64>,
    follows: BTreeMap<Key, bool>,
}

impl Changes {
    pub(super) fn reply(&mut self, fact: &Fact<'_>, sent: &MessageSent) {
        let Some(thread) = sent.thread else { return };
        let others = sent.mentions.iter().chain(&sent.thread_author);
        for user in others {
            self.parts.entry((user.0, fact.stream(), thread)).or_default();
        }
        self.parts
            .insert((fact.record.actor, fact.stream(), thread), fact.seq());
    }

    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &UserEvent) {
        let user = fact.stream();
        match event {
            UserEvent::ThreadFollowed(followed) => {
                let key = (user, followed.conversation.0, followed.thread);
                self.follows.insert(key, followed.on);
            }
            UserEvent::ThreadRead(read) => {
                let seq = self
                    .read
                    .entry((user, read.conversation.0, read.thread))
                    .or_default();
                *seq = (read.seq as i64).max(*seq);
            }
            _ => {}
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        for (seqs, sql) in [
            (&self.parts, include_str!("thread_part.sql")),
            (&self.read, include_str!("thread_read.sql")),
        ] {
            if !seqs.is_empty() {
                let (users, conversations, threads) = columns(seqs.keys());
                let seqs: Vec<i64> = seqs.values().copied().collect();
                run(
                    transaction,
                    schema,
                    sql,
                    &[&users, &conversations, &threads, &seqs],
                )
                .await?;
            }
        }
        if !self.follows.is_empty() {
            let (users, conversations, threads) = columns(self.follows.keys());
            let follows: Vec<bool> = self.follows.values().copied().collect();
            let sql = include_str!("thread_follow.sql");
            run(
                transaction,
                schema,
                sql,
                &[&users, &conversations, &threads, &follows],
            )
            .await?;
        }
        Ok(())
    }
}

fn columns<'a>(keys: impl Iterator<Item = &'a Key>) -> (Vec<Uuid>, Vec<Uuid>, Vec<Uuid>) {
    let (mut users, mut conversations, mut threads) = (vec![], vec![], vec![]);
    for (user, conversation, thread) in keys {
        users.push(*user);
        conversations.push(*conversation);
        threads.push(*thread);
    }
    (users, conversations, threads)
}
