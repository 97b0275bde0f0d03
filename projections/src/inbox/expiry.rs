//! Messages that have waited too long in inboxes.

use crate::engine::session::SHORT;
use crate::error::{ProjectionError, within};
use crate::select::Sql;
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, VecDeque};
use tidings_domain::{ConversationId, Cursor, UserId};
use tidings_eventlog::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Members that are looked at by one statement.
const PAGE: usize = 4096;
/// Conversations whose members are looked at by one statement.
const CONVERSATIONS: usize = 64;

static CUTOFF: Sql = Sql::new(include_str!("cutoff.sql"));
static OVERDUE: Sql = Sql::new(include_str!("overdue.sql"));

/// Who has not been sent what was said in some conversations at or before a time. Only the members of these are looked at, a page at
/// a time, however many inboxes there are.
#[derive(Debug)]
pub struct Overdue {
    pool: Pool,
    rest: VecDeque<Rest>,
}

/// The members of a conversation who have not been looked at.
#[derive(Clone, Copy, Debug)]
struct Rest {
    conversation: Uuid,
    /// The last message that has waited too long.
    end: Cursor,
    /// Those behind this one.
    after: Uuid,
}

/// A member to whom messages are owed that have waited too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owed {
    pub user: UserId,
    pub conversation: ConversationId,
    /// The last of these messages: where the delivery cursor is to be moved.
    pub end: Cursor,
}

impl Overdue {
    /// Looks in `conversations` for what was said at or before `cutoff`.
    pub async fn find(
        pool: &Pool,
        conversations: BTreeSet<Uuid>,
        cutoff: DateTime<Utc>,
    ) -> Result<Self, ProjectionError> {
        let conversations: Vec<Uuid> = conversations.into_iter().collect();
        let reading = async {
            let client = pool.get().await?;
            let statement = client.prepare_cached(&CUTOFF.text(client.home())).await?;
            let rows = client.query(&statement, &[&conversations, &cutoff]).await?;
            let rest = |row: &Row| {
                let (seq, msg_no): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
                Ok(Rest {
                    conversation: row.try_get(0)?,
                    end: Cursor {
                        seq: seq as u64,
                        msg_no: msg_no as u64,
                    },
                    after: Uuid::nil(),
                })
            };
            Ok::<_, ProjectionError>(rows.iter().map(rest).collect::<Result<_, Error>>()?)
        };
        Ok(Self {
            pool: pool.clone(),
            rest: within(SHORT, reading).await?,
        })
    }

    /// Looks at the next members. Returns those of them to whom something is owed, or `None` behind the last.
    pub async fn page(&mut self) -> Result<Option<Vec<Owed>>, ProjectionError> {
        let some: Vec<Rest> = self.rest.iter().take(CONVERSATIONS).copied().collect();
        if some.is_empty() {
            return Ok(None);
        }
        let limit = PAGE / some.len();
        let rows = within(SHORT, self.members(&some, limit)).await?;
        let (mut owed, mut counts) = (vec![], vec![(0, Uuid::nil()); some.len()]);
        for row in &rows {
            let at = row.try_get::<_, i64>(0)? as usize - 1;
            let user: Uuid = row.try_get(1)?;
            counts[at] = (counts[at].0 + 1, user);
            if row.try_get(2)? {
                owed.push(Owed {
                    user: user.into(),
                    conversation: some[at].conversation.into(),
                    end: some[at].end,
                });
            }
        }
        // Where there were as many as were asked for, there may be more.
        self.rest.drain(..some.len());
        for (rest, (count, last)) in some.into_iter().zip(counts) {
            if count == limit {
                self.rest.push_front(Rest { after: last, ..rest });
            }
        }
        Ok(Some(owed))
    }

    async fn members(&self, some: &[Rest], limit: usize) -> Result<Vec<Row>, ProjectionError> {
        let conversations: Vec<Uuid> = some.iter().map(|rest| rest.conversation).collect();
        let after: Vec<Uuid> = some.iter().map(|rest| rest.after).collect();
        let msg_nos: Vec<i64> = some.iter().map(|rest| rest.end.msg_no as i64).collect();
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(&OVERDUE.text(client.home())).await?;
        Ok(client
            .query(&statement, &[&conversations, &after, &msg_nos, &(limit as i64)])
            .await?)
    }
}
