//! A look into a log's database.

use std::ops::Deref;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_stand::Session;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;

const PATIENCE: Duration = Duration::from_secs(30);
/// The longest that read models are waited for.
const CATCH_UP: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(20);

/// A session with a log's database.
pub(crate) struct Database(Session);

impl Database {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        Ok(Self(Session::open(&url.parse()?, PATIENCE).await?))
    }

    /// A whole number that a query without parameters answers.
    pub(crate) async fn number(&self, sql: &str) -> Result<i64> {
        let asking = timeout(PATIENCE, self.0.query_one(sql, &[]));
        let row = asking.await.context("PostgreSQL does not answer")??;
        Ok(row.try_get(0)?)
    }

    /// Events in the log.
    pub(crate) async fn events(&self) -> Result<i64> {
        self.number("SELECT sum(head)::bigint FROM log_lane").await
    }

    /// Waits until no read model is behind the log.
    pub(crate) async fn caught_up(&self) -> Result<()> {
        let start = Instant::now();
        while self
            .number(
                "SELECT count(*) FROM log_lane l JOIN projection_checkpoint c USING (lane) WHERE c.pos < l.head",
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
