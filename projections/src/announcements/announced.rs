//! Who was told an announcement, and who has read it: a row for each notice.

use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::ConversationId;
use tidings_domain::event::{Announced, CursorsMoved};
use tidings_eventlog::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static REACH: Sql = Sql::new(include_str!("reach.sql"));
static LATELY: Sql = Sql::new(include_str!("lately.sql"));

/// How many people an announcement has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Those who were told.
    pub delivered: i64,
    /// Those of them who have read it.
    pub read: i64,
}

/// How many people each of these announcements has come to.
pub fn reach(announcements: Vec<Uuid>) -> Select<(Uuid, Reach)> {
    let read = |row: &Row| {
        let reach = Reach {
            delivered: row.try_get("delivered")?,
            read: row.try_get("read")?,
        };
        Ok((row.try_get("announcement")?, reach))
    };
    Select::new(&REACH, read).with(announcements)
}

/// What is known of somebody who is to be told of announcements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lately {
    pub user: Uuid,
    /// Nothing where the read models have not come to it.
    pub registered_at: Option<DateTime<Utc>>,
    /// The announcement that they were told last. There may be a later one.
    pub announcement: Option<Uuid>,
}

/// What is known of these people.
pub async fn lately(pool: &Pool, users: &[Uuid]) -> Result<Vec<Lately>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&LATELY.text(client.home())).await?;
        let rows = client.query(&statement, &[&users]).await?;
        let lately = |row: &Row| {
            Ok(Lately {
                user: row.try_get("user_id")?,
                registered_at: row.try_get("registered_at")?,
                announcement: row.try_get("announcement")?,
            })
        };
        rows.iter()
            .map(lately)
            .collect::<Result<Vec<_>, ProjectionError>>()
    };
    within(pool.timeout(), reading).await
}

/// What a batch changes, by user.
#[derive(Default)]
pub(super) struct Changes {
    /// And by seq of the notice.
    told: BTreeMap<(Uuid, i64), Uuid>,
    read: BTreeMap<Uuid, i64>,
}

impl Changes {
    pub(super) fn tell(&mut self, fact: &Fact<'_>, announced: &Announced) {
        self.told.insert((fact.stream(), fact.seq()), announced.id);
    }

    /// How far somebody has read their own notices, which is no further than their stream reaches.
    pub(super) fn read(&mut self, fact: &Fact<'_>, moved: &CursorsMoved) {
        let user = fact.stream();
        if let Some(cursor) = moved.read.get(&ConversationId(user)) {
            let read = self.read.entry(user).or_default();
            *read = (*read).max(i64::try_from(cursor.seq).unwrap_or(i64::MAX).min(fact.seq()));
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if !self.told.is_empty() {
            let (users, seqs): (Vec<Uuid>, Vec<i64>) = self.told.keys().copied().unzip();
            let announcements: Vec<Uuid> = self.told.values().copied().collect();
            let sql = include_str!("announced.sql");
            run(transaction, schema, sql, &[&users, &seqs, &announcements]).await?;
        }
        // Behind what was told: nobody has read further than what there was.
        if !self.read.is_empty() {
            let (users, seqs): (Vec<Uuid>, Vec<i64>) =
                self.read.iter().map(|(user, seq)| (*user, *seq)).unzip();
            let sql = include_str!("announced_read.sql");
            run(transaction, schema, sql, &[&users, &seqs]).await?;
        }
        Ok(())
    }
}
