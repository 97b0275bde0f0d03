//! A session of one's own with PostgreSQL.

use std::ops::Deref;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls};

/// A session that ends when it is dropped.
pub struct Session {
    client: Client,
    driver: JoinHandle<()>,
}

impl Session {
    /// Connects, within this time.
    pub async fn open(config: &Config, limit: Duration) -> Result<Self> {
        let connecting = timeout(limit, config.connect(NoTls));
        let (client, connection) = connecting
            .await
            .context("PostgreSQL does not answer")?
            .context("connecting to PostgreSQL failed")?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told by the client.
            let _ = connection.await;
        });
        Ok(Self { client, driver })
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
