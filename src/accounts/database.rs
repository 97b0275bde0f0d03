//! Single statements on the shared pool, each with a time-out.

use std::time::Duration;
use thiserror::Error;
use tidings_eventlog::{Blame, ConnectError, Lease, Pool, describe};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

/// The accounts' part of the database.
#[derive(Clone)]
pub(super) struct Database {
    pool: Pool,
    timeout: Duration,
}

/// Why a statement gave no answer. Holds no values.
#[derive(Debug, Error)]
pub(super) enum DatabaseError {
    #[error("the database did not answer in time")]
    Timeout,
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    #[error("a value is already taken")]
    Taken,
    #[error("the database refused: {0}")]
    Refused(String),
}

impl Database {
    /// Takes a quarter of the pool's sessions at most: accounts that cannot be read just now keep nobody from messages.
    pub(super) fn new(pool: &Pool, timeout: Duration) -> Self {
        Self {
            pool: pool.portion(pool.max_size() / 4),
            timeout,
        }
    }

    pub(super) async fn rows(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, DatabaseError> {
        self.within(
            async |client, statement| client.query(&statement, values).await,
            sql,
        )
        .await
    }

    pub(super) async fn row(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, DatabaseError> {
        self.within(
            async |client, statement| client.query_opt(&statement, values).await,
            sql,
        )
        .await
    }

    /// Returns how many rows the statement touched.
    pub(super) async fn execute(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, DatabaseError> {
        self.within(
            async |client, statement| client.execute(&statement, values).await,
            sql,
        )
        .await
    }

    async fn within<T>(
        &self,
        run: impl AsyncFnOnce(&Lease, Statement) -> Result<T, Error>,
        sql: &str,
    ) -> Result<T, DatabaseError> {
        let answer = timeout(self.timeout, async {
            let unreachable = |error: ConnectError| DatabaseError::Unreachable(error.to_string());
            let client = self.pool.get().await.map_err(unreachable)?;
            let statement = client.prepare_cached(sql).await?;
            Ok(run(&client, statement).await?)
        });
        answer.await.unwrap_or(Err(DatabaseError::Timeout))
    }
}

impl From<Error> for DatabaseError {
    fn from(error: Error) -> Self {
        if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
            return Self::Taken;
        }
        match Blame::of(&error) {
            Blame::Session | Blame::Lost => Self::Unreachable(describe(&error)),
            Blame::Statement | Blame::Rival | Blame::Schema => Self::Refused(describe(&error)),
        }
    }
}
