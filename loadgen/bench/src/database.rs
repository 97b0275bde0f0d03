//! A look into a stand's database.

use std::ops::Deref;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_stand::{Session, Stand};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Client, Row};

const PATIENCE: Duration = Duration::from_secs(30);
/// The longest that read models are waited for.
const CATCH_UP: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(20);

/// A session of its own.
pub struct Database(Session);

impl Database {
    /// With a stand's database.
    pub async fn of(stand: &Stand) -> Result<Self> {
        Self::open(&stand.database_url()).await
    }

    pub async fn open(url: &str) -> Result<Self> {
        Ok(Self(Session::open(&url.parse()?, PATIENCE).await?))
    }

    /// The one row of a query's answer.
    pub async fn row(&self, query: &str) -> Result<Row> {
        let asking = timeout(PATIENCE, self.0.query_one(query, &[]));
        Ok(asking.await.context("PostgreSQL does not answer")??)
    }

    /// All rows of a query's answer, which are few.
    pub async fn rows(&self, query: &str) -> Result<Vec<Row>> {
        let asking = timeout(PATIENCE, self.0.query(query, &[]));
        Ok(asking.await.context("PostgreSQL does not answer")??)
    }

    /// A whole number that a query without parameters answers.
    pub async fn number(&self, query: &str) -> Result<i64> {
        Ok(self.row(query).await?.try_get(0)?)
    }

    /// Carries out a statement that answers nothing.
    pub async fn run(&self, statement: &str) -> Result<()> {
        let running = timeout(PATIENCE, self.0.batch_execute(statement));
        Ok(running.await.context("PostgreSQL does not answer")??)
    }

    /// Events in the log.
    pub async fn events(&self) -> Result<i64> {
        self.number("SELECT sum(head)::bigint FROM log_lane").await
    }

    /// Waits until no live read model, whose name has no suffix, is behind the log.
    pub async fn caught_up(&self) -> Result<()> {
        let start = Instant::now();
        while self
            .number(
                "SELECT count(*) FROM log_lane l JOIN projection_checkpoint c USING (lane) \
                  WHERE c.pos < l.head AND c.projection NOT LIKE '%\\_%'",
            )
            .await?
            > 0
        {
            if start.elapsed() > CATCH_UP {
                bail!("the read models do not catch up");
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

impl Deref for Database {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}
