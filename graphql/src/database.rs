//! Statements: each bounded in time, and only so many at once, so that queries leave connections to others.

use crate::errors::Refusal;
use std::sync::Arc;
use std::time::Duration;
use tidings_eventlog::Pool;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The read models' database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    permits: Arc<Semaphore>,
    timeout: Duration,
}

/// The database did not answer. Why stands in the log, where it is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer;

impl From<NoAnswer> for Refusal {
    fn from(_: NoAnswer) -> Self {
        Self::unavailable("the read models cannot be read just now")
    }
}

impl From<NoAnswer> for async_graphql::Error {
    fn from(error: NoAnswer) -> Self {
        Refusal::from(error).into()
    }
}

impl Database {
    /// At most `at_once` statements run at the same time, and each has `timeout` from waiting for a connection to the
    /// last row.
    pub(crate) fn new(pool: Pool, at_once: usize, timeout: Duration) -> Self {
        Self {
            pool,
            permits: Arc::new(Semaphore::new(at_once.max(1))),
            timeout,
        }
    }

    /// Runs a statement and reads each of its rows with `read`.
    pub(crate) async fn rows<T>(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, NoAnswer> {
        let deadline = Instant::now() + self.timeout;
        let Ok(Ok(_permit)) = timeout_at(deadline, self.permits.acquire()).await else {
            tracing::warn!("too many GraphQL statements are waiting");
            return Err(NoAnswer);
        };
        let asking = timeout_at(deadline, async {
            let client = self.pool.get().await.map_err(|error| {
                tracing::warn!(%error, "no connection for a GraphQL statement");
                NoAnswer
            })?;
            let answer = async {
                let statement = client.prepare_cached(sql).await?;
                client.query(&statement, values).await
            };
            Ok(answer.await)
        });
        let Ok(answer) = asking.await else {
            tracing::warn!(timeout = ?self.timeout, "a GraphQL statement took too long");
            return Err(NoAnswer);
        };
        answer?
            .and_then(|rows| rows.iter().map(read).collect())
            .map_err(|error| {
                let refused = error
                    .as_db_error()
                    .map(|refused| (refused.code().code(), refused.message()));
                tracing::warn!(%error, ?refused, "a GraphQL statement failed");
                NoAnswer
            })
    }
}
