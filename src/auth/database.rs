//! Single statements on the shared pool, each with a time-out.

use deadpool_postgres::{Object, Pool};
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
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
    pub(super) fn new(pool: Pool, timeout: Duration) -> Self {
        Self { pool, timeout }
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

    /// Answers how many rows the statement touched.
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
        run: impl AsyncFnOnce(&Object, Statement) -> Result<T, Error>,
        sql: &str,
    ) -> Result<T, DatabaseError> {
        let deadline = Instant::now() + self.timeout;
        let client = timeout_at(deadline, self.pool.get())
            .await
            .map_err(|_| DatabaseError::Timeout)?;
        let client = client.map_err(|error| DatabaseError::Unreachable(error.to_string()))?;
        let answer = timeout_at(deadline, async {
            let statement = client.prepare_cached(sql).await?;
            run(&client, statement).await
        });
        if let Ok(answer) = answer.await {
            answer.map_err(DatabaseError::from)
        } else {
            // The answer may still come; nobody else may be given this connection.
            drop(Object::take(client));
            Err(DatabaseError::Timeout)
        }
    }
}

impl From<Error> for DatabaseError {
    fn from(error: Error) -> Self {
        if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
            return Self::Taken;
        }
        match error.as_db_error() {
            // Not the detail, which quotes values.
            Some(refusal) => Self::Refused(format!("{} ({})", refusal.message(), refusal.code().code())),
            None => Self::Unreachable(error.to_string()),
        }
    }
}
