//! What people mark for themselves. What ends a mark by itself is said elsewhere: by messages, in another lane, and by the clock. It meets in
//! the query.

use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::{Moment, UserEvent};
use tidings_eventlog::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static MARKS: Sql = Sql::new(include_str!("marks.sql"));
static UNREAD_TOTAL: Sql = Sql::new(include_str!("unread_total.sql"));
static ENDED: Sql = Sql::new(include_str!("ended_marks.sql"));
static MENTION_TOTAL: Sql = Sql::new(include_str!("mention_total.sql"));

/// How somebody has marked a conversation, as it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub muted: bool,
    /// When it ends that the conversation is muted, if it ends by itself.
    pub muted_until: Option<DateTime<Utc>>,
    pub archived: bool,
    pub unread: bool,
}

/// How `viewer` has marked each of `conversations`.
pub fn marks(viewer: Uuid, conversations: Vec<Uuid>) -> Select<(Uuid, Marks)> {
    let read = |row: &Row| {
        let marks = Marks {
            muted: row.try_get("muted")?,
            muted_until: row.try_get("muted_until")?,
            archived: row.try_get("archived")?,
            unread: row.try_get("marked_unread")?,
        };
        Ok((row.try_get("conversation")?, marks))
    };
    Select::new(&MARKS, read).with(viewer).with(conversations)
}

/// How many messages `viewer` has not read, in all conversations that are not muted.
pub fn unread_total(viewer: Uuid) -> Select<i64> {
    Select::new(&UNREAD_TOTAL, |row: &Row| row.try_get("total")).with(viewer)
}

/// How often `viewer` is mentioned in what they have not read: in muted conversations by name, elsewhere with everybody too.
pub fn mention_total(viewer: Uuid) -> Select<i64> {
    Select::new(&MENTION_TOTAL, |row: &Row| row.try_get("total")).with(viewer)
}

/// The conversations where what `user` has marked as unread has ended by itself, and behind which place: at most 100 of them, as far as the
/// read models have come.
pub async fn ended_marks(pool: &Pool, user: Uuid) -> Result<Vec<(Uuid, u64)>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&ENDED.text(client.home())).await?;
        let rows = client.query(&statement, &[&user]).await?;
        let read = |row: &Row| Ok::<_, Error>((row.try_get(0)?, row.try_get::<_, i64>(1)? as u64));
        Ok::<_, ProjectionError>(rows.iter().map(read).collect::<Result<_, _>>()?)
    };
    within(pool.timeout(), reading).await
}

/// A user and a conversation.
type Key = (Uuid, Uuid);

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes {
    muted: BTreeMap<Key, Mute>,
    archived: BTreeMap<Key, Archive>,
    /// The last event of the conversation when it was marked as unread, where it is.
    unread: BTreeMap<Key, Option<i64>>,
}

/// Whether a conversation is muted.
#[derive(Clone, Copy)]
enum Mute {
    /// Until a moment, or for ever.
    On(Option<DateTime<Utc>>),
    Off,
}

impl Mute {
    fn is_on(self) -> bool {
        matches!(self, Self::On(_))
    }

    fn until(self) -> Option<DateTime<Utc>> {
        match self {
            Self::On(until) => until,
            Self::Off => None,
        }
    }
}

/// What becomes of an archived conversation.
enum Archive {
    /// It was archived at this seq and message.
    At(i64, i64),
    Gone,
    /// It has come back if it was archived before this message: a change of the mute must not put it away again.
    GoneBefore(i64),
}

impl Changes {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &UserEvent) {
        let user = fact.stream();
        match event {
            UserEvent::ConversationMuted(muted) => {
                let key = (user, muted.conversation.0);
                let mute = if muted.on {
                    Mute::On(muted.until.map(Moment::time))
                } else {
                    Mute::Off
                };
                self.muted.insert(key, mute);
                let messages = muted.place.message_no as i64;
                let archive = self.archived.entry(key).or_insert(Archive::GoneBefore(0));
                match archive {
                    Archive::At(_, before) if *before < messages => *archive = Archive::Gone,
                    Archive::GoneBefore(before) => *before = messages.max(*before),
                    Archive::At(..) | Archive::Gone => {}
                }
            }
            UserEvent::ConversationArchived(archived) => {
                let archive = if archived.on {
                    Archive::At(archived.place.seq as i64, archived.place.message_no as i64)
                } else {
                    Archive::Gone
                };
                self.archived.insert((user, archived.conversation.0), archive);
            }
            UserEvent::ConversationMarked(marked) => {
                let seq = marked.unread.then(|| marked.seq.unwrap_or(0) as i64);
                self.unread.insert((user, marked.conversation.0), seq);
            }
            _ => {}
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if !self.muted.is_empty() {
            let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = self.muted.keys().copied().unzip();
            let on: Vec<bool> = self.muted.values().map(|mute| mute.is_on()).collect();
            let until: Vec<Option<DateTime<Utc>>> = self.muted.values().map(|mute| mute.until()).collect();
            let gone = include_str!("unmute.sql");
            run(transaction, schema, gone, &[&users, &conversations, &on]).await?;
            let sql = include_str!("mute.sql");
            run(transaction, schema, sql, &[&users, &conversations, &on, &until]).await?;
        }
        if !self.archived.is_empty() {
            let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = self.archived.keys().copied().unzip();
            // Gone are those from before this message; there is none that comes behind the last.
            let before: Vec<i64> = self
                .archived
                .values()
                .map(|archive| match archive {
                    Archive::GoneBefore(before) => *before,
                    Archive::At(..) | Archive::Gone => i64::MAX,
                })
                .collect();
            let place = |archive: &Archive| match archive {
                Archive::At(seq, msg_no) => (Some(*seq), Some(*msg_no)),
                Archive::Gone | Archive::GoneBefore(_) => (None, None),
            };
            let (seqs, msg_nos): (Vec<Option<i64>>, Vec<Option<i64>>) =
                self.archived.values().map(place).unzip();
            let gone = include_str!("archive_gone.sql");
            run(transaction, schema, gone, &[&users, &conversations, &before]).await?;
            let sql = include_str!("archive.sql");
            run(
                transaction,
                schema,
                sql,
                &[&users, &conversations, &seqs, &msg_nos],
            )
            .await?;
        }
        if !self.unread.is_empty() {
            let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = self.unread.keys().copied().unzip();
            let seqs: Vec<Option<i64>> = self.unread.values().copied().collect();
            let gone = include_str!("unmark.sql");
            run(transaction, schema, gone, &[&users, &conversations]).await?;
            let sql = include_str!("mark.sql");
            run(transaction, schema, sql, &[&users, &conversations, &seqs]).await?;
        }
        Ok(())
    }
}
