//! What the server asks of the read models.

pub(crate) mod expiry;
pub(crate) mod memberships;

use crate::error::{ProjectionError, within};
use crate::session::SHORT;
use std::collections::HashSet;
use tidings_eventlog::Pool;
use uuid::Uuid;

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
