//! A look into the node's database.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_stand::Stand;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls, Row};

const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of its own.
pub(crate) struct Database(Client);

impl Database {
    pub(crate) async fn of(stand: &Stand) -> Result<Self> {
        let url = stand.database_url();
        let connecting = timeout(PATIENCE, tokio_postgres::connect(&url, NoTls));
        let (client, connection) = connecting.await.context("PostgreSQL does not answer")??;
        // Ends with the client.
        tokio::spawn(connection);
        Ok(Self(client))
    }

    /// The one row of a query's answer.
    pub(crate) async fn row(&self, query: &str) -> Result<Row> {
        let asking = timeout(PATIENCE, self.0.query_one(query, &[]));
        Ok(asking.await.context("PostgreSQL does not answer")??)
    }
}
