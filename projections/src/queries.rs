//! What the server asks of the read models.

pub(crate) mod expiry;

use crate::error::{ProjectionError, within};
use crate::session::SHORT;
use std::collections::HashSet;
use tidings_eventlog::Pool;
use uuid::Uuid;

/// A user's place in a conversation, present or past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub conversation: Uuid,
    /// Seq of the event that made the user a member, the latest time.
    pub joined_seq: u64,
    /// Seq of the event that ended it; `None` for a current member.
    pub left_seq: Option<u64>,
    /// How far the user has been sent the conversation; `None` when nothing is known to have been.
    pub delivered_seq: Option<u64>,
    /// Messages up to `delivered_seq`.
    pub delivered_msg_no: u64,
    /// The first event that expired before it was sent; what expired ends at `delivered_seq`.
    pub expired_from: Option<u64>,
}

/// All memberships of each of `users`, current and former, by conversation.
pub async fn memberships(pool: &Pool, users: &[Uuid]) -> Result<Vec<Vec<Membership>>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client
            .prepare_cached(include_str!("queries/memberships.sql"))
            .await?;
        let mut of_each = vec![vec![]; users.len()];
        for row in client.query(&statement, &[&users]).await? {
            let optional = |i| {
                let value: Option<i64> = row.try_get(i)?;
                Ok::<_, tokio_postgres::Error>(value.map(|value| value as u64))
            };
            let user = row.try_get::<_, i64>(0)? as usize;
            let Some(memberships) = of_each.get_mut(user.wrapping_sub(1)) else {
                continue;
            };
            memberships.push(Membership {
                conversation: row.try_get(1)?,
                joined_seq: row.try_get::<_, i64>(2)? as u64,
                left_seq: optional(3)?,
                delivered_seq: optional(4)?,
                delivered_msg_no: optional(5)?.unwrap_or(0),
                expired_from: optional(6)?,
            });
        }
        Ok::<_, ProjectionError>(of_each)
    };
    within(SHORT, reading).await
}

/// Which of `users` are registered.
pub async fn known_users(pool: &Pool, users: &[Uuid]) -> Result<HashSet<Uuid>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client
            .prepare_cached(include_str!("queries/known_users.sql"))
            .await?;
        let rows = client.query(&statement, &[&users]).await?;
        Ok::<_, ProjectionError>(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    };
    within(SHORT, reading).await
}

/// How far `user` has read each of `conversations`, in the same order; `None` where nothing is known to be read. It may be
/// less than the log says.
pub async fn read_seqs(
    pool: &Pool,
    user: Uuid,
    conversations: &[Uuid],
) -> Result<Vec<Option<u64>>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client
            .prepare_cached(include_str!("queries/read_seqs.sql"))
            .await?;
        let rows = client.query(&statement, &[&user, &conversations]).await?;
        let seq = |row: &tokio_postgres::Row| {
            row.try_get::<_, Option<i64>>(0)
                .map(|seq| seq.map(|seq| seq as u64))
        };
        Ok::<_, ProjectionError>(rows.iter().map(seq).collect::<Result<_, _>>()?)
    };
    within(SHORT, reading).await
}
