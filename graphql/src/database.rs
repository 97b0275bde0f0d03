//! Statements: each bounded in time, and only so many at once, so that queries leave connections to others.

use crate::errors::Refusal;
use deadpool_postgres::{Object, Pool};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

/// How long the database has to take note that a statement is given up.
const CANCEL: Duration = Duration::from_secs(1);

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
        let mut lease = match timeout_at(deadline, self.pool.get()).await {
            Ok(Ok(client)) => Lease(Some(client)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "no connection for a GraphQL statement");
                return Err(NoAnswer);
            }
            Err(_) => {
                tracing::warn!("no connection for a GraphQL statement in time");
                return Err(NoAnswer);
            }
        };
        let Ok(answer) = timeout_at(deadline, lease.query(sql, values)).await else {
            tracing::warn!(timeout = ?self.timeout, "a GraphQL statement took too long");
            lease.cancel().await;
            return Err(NoAnswer);
        };
        lease.give_back();
        answer
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

/// A connection that goes back to the pool only when its statement has ended: whoever got it earlier would wait for the rest.
struct Lease(Option<Object>);

impl Lease {
    async fn query(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let Some(client) = &self.0 else { return Ok(vec![]) };
        let statement = client.prepare_cached(sql).await?;
        client.query(&statement, values).await
    }

    fn give_back(&mut self) {
        self.0 = None;
    }

    /// Ends the statement at the server's side too.
    async fn cancel(mut self) {
        if let Some(client) = self.0.take() {
            let cancel = client.cancel_token();
            drop(Object::take(client));
            let _ = timeout(CANCEL, cancel.cancel_query(NoTls)).await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}
