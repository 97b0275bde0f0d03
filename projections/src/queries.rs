//! What the server asks of the read models.

pub(crate) mod expiry;

use crate::error::{ProjectionError, within};
use crate::session::SHORT;
use deadpool_postgres::Pool;
use std::collections::HashSet;
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

/// All memberships of a user, current and former, by conversation.
pub async fn memberships(pool: &Pool, user: Uuid) -> Result<Vec<Membership>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client
            .prepare_cached(include_str!("queries/memberships.sql"))
            .await?;
        let rows = client.query(&statement, &[&user]).await?;
        let read = |row: &tokio_postgres::Row| -> Result<Membership, tokio_postgres::Error> {
            let optional = |i| Ok(row.try_get::<_, Option<i64>>(i)?.map(|value| value as u64));
            Ok(Membership {
                conversation: row.try_get(0)?,
                joined_seq: row.try_get::<_, i64>(1)? as u64,
                left_seq: optional(2)?,
                delivered_seq: optional(3)?,
                delivered_msg_no: optional(4)?.unwrap_or(0),
                expired_from: optional(5)?,
            })
        };
        Ok::<_, ProjectionError>(rows.iter().map(read).collect::<Result<_, _>>()?)
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
