//! How many conversations people are in.

use crate::error::{ProjectionError, within};
use crate::select::Sql;
use std::collections::HashMap;
use tidings_eventlog::Pool;
use uuid::Uuid;

static COUNTS: Sql = Sql::new(include_str!("counts.sql"));

/// How many conversations each of `users` is in, as far as the read models have come. Four that somebody has left count as one. Of
/// somebody who has `most` or more, it is known to be `most` at least.
pub async fn conversation_counts(
    pool: &Pool,
    users: &[Uuid],
    most: u32,
) -> Result<HashMap<Uuid, u64>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&COUNTS.text(client.home())).await?;
        let rows = client.query(&statement, &[&users, &i64::from(most)]).await?;
        let count = |row: &tokio_postgres::Row| {
            let count: i64 = row.try_get(1)?;
            Ok::<_, tokio_postgres::Error>((row.try_get(0)?, u64::try_from(count).unwrap_or(0)))
        };
        Ok::<_, ProjectionError>(rows.iter().map(count).collect::<Result<_, _>>()?)
    };
    within(pool.timeout(), reading).await
}
