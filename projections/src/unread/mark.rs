//! What people mark for themselves. What ends a mark by itself is said elsewhere: by messages, in another lane, and by the clock. It meets in
//! the query.

use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Each change of a mute, by the seq of its notice.
    muting: BTreeMap<(Uuid, Uuid, i64), Change>,
    archived: BTreeMap<Key, Option<Archive>>,
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

/// How a conversation is muted from some seq of it on.
struct Change {
    seq: i64,
    mute: Mute,
}

/// Where a conversation was when it was archived, and the seq of the notice.
struct Archive {
    no: i64,
    seq: i64,
    msg_no: i64,
}

impl Changes {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &UserEvent) {
        let user = fact.stream();
        match event {
            UserEvent::ConversationMuted(muted) => {
                let mute = if muted.on {
                    Mute::On(muted.until.map(Moment::time))
                } else {
                    Mute::Off
                };
                self.muted.insert((user, muted.conversation.0), mute);
                let seq = muted.place.seq as i64;
                self.muting
                    .insert((user, muted.conversation.0, fact.seq()), Change { seq, mute });
            }
            UserEvent::ConversationArchived(archived) => {
                let archive = archived.on.then(|| Archive {
                    no: fact.seq(),
                    seq: archived.place.seq as i64,
                    msg_no: archived.place.message_no as i64,
                });
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
            self.write_muting(transaction, schema).await?;
        }
        if !self.archived.is_empty() {
            let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = self.archived.keys().copied().unzip();
            let gone = include_str!("archive_gone.sql");
            run(transaction, schema, gone, &[&users, &conversations]).await?;
            let places = || self.archived.values().map(Option::as_ref);
            let nos: Vec<Option<i64>> = places().map(|archive| archive.map(|at| at.no)).collect();
            let seqs: Vec<Option<i64>> = places().map(|archive| archive.map(|at| at.seq)).collect();
            let msg_nos: Vec<Option<i64>> = places().map(|archive| archive.map(|at| at.msg_no)).collect();
            let sql = include_str!("archive.sql");
            run(
                transaction,
                schema,
                sql,
                &[&users, &conversations, &nos, &seqs, &msg_nos],
            )
            .await?;
        }
        let changed: BTreeSet<Key> = self.muted.keys().chain(self.archived.keys()).copied().collect();
        if !changed.is_empty() {
            let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = changed.into_iter().unzip();
            let sql = include_str!("muting_gone.sql");
            run(transaction, schema, sql, &[&users, &conversations]).await?;
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

    async fn write_muting(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let users: Vec<Uuid> = self.muting.keys().map(|(user, ..)| *user).collect();
        let conversations: Vec<Uuid> = self
            .muting
            .keys()
            .map(|(_, conversation, _)| *conversation)
            .collect();
        let nos: Vec<i64> = self.muting.keys().map(|(.., no)| *no).collect();
        let changes = || self.muting.values();
        let seqs: Vec<i64> = changes().map(|change| change.seq).collect();
        let on: Vec<bool> = changes().map(|change| change.mute.is_on()).collect();
        let until: Vec<Option<DateTime<Utc>>> = changes().map(|change| change.mute.until()).collect();
        let sql = include_str!("muting.sql");
        run(
            transaction,
            schema,
            sql,
            &[&users, &conversations, &nos, &seqs, &on, &until],
        )
        .await?;
        Ok(())
    }
}
