//! Who is registered.

use crate::error::{ProjectionError, within};
use crate::select::Sql;
use std::collections::HashSet;
use tidings_eventlog::Pool;
use uuid::Uuid;

static KNOWN: Sql = Sql::new(include_str!("known_users.sql"));

/// Which of `users` are registered.
pub async fn known_users(pool: &Pool, users: &[Uuid]) -> Result<HashSet<Uuid>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&KNOWN.text(client.home())).await?;
        let rows = client.query(&statement, &[&users]).await?;
        Ok::<_, ProjectionError>(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    };
    within(pool.timeout(), reading).await
}
