//! A look into the node's database.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_stand::{Session, Stand};
use tokio::time::timeout;
use tokio_postgres::Row;

const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of its own.
pub(crate) struct Database(Session);

impl Database {
    pub(crate) async fn of(stand: &Stand) -> Result<Self> {
        let config = stand.database_url().parse()?;
        Ok(Self(Session::open(&config, PATIENCE).await?))
    }

    /// The one row of a query's answer.
    pub(crate) async fn row(&self, query: &str) -> Result<Row> {
        let asking = timeout(PATIENCE, self.0.query_one(query, &[]));
        Ok(asking.await.context("PostgreSQL does not answer")??)
    }

    /// Carries out a statement that answers nothing.
    pub(crate) async fn run(&self, statement: &str) -> Result<()> {
        let running = timeout(PATIENCE, self.0.batch_execute(statement));
        Ok(running.await.context("PostgreSQL does not answer")??)
    }
}
