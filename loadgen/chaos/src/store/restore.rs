//! An older back-up takes the place of the log, under the same Redis.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_journal::{Logged, Micros};
use tokio::time::{Instant, sleep, timeout};

use super::{Database, LIMIT, POLL};
use crate::scribe::Clock;

/// Names of databases: the one that nodes use, its back-up, and what was in its place before.
const LIVE: &str = "tidings";
const SAVED: &str = "saved";
const LOST: &str = "lost";

/// Events that a back-up lacks at least, where there is traffic.
const GROWTH: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";

/// A copy of the log's database as it was at one moment.
pub(crate) struct BackUp {
    admin: Database,
    url: String,
    kept: Vec<Logged>,
}

/// A log that has gone back.
#[derive(Clone, Debug)]
pub(crate) struct Restored {
    /// When, on the clock of the journals. Nobody could reach the database for a while before.
    pub(crate) at: Micros,
    /// What was in its place before.
    pub(crate) lost: Vec<Logged>,
    /// What the back-up has of that.
    pub(crate) kept: Vec<Logged>,
}

impl BackUp {
    /// Copies the database at `url`. Nodes lose their sessions for a moment.
    pub(crate) async fn take(url: &str) -> Result<Self> {
        let admin = Database::connect(&named(url, "postgres")).await?;
        admin.empty(LIVE).await?;
        let copied = admin
            .run(&format!("CREATE DATABASE {SAVED} TEMPLATE {LIVE}"))
            .await;
        admin.admit(LIVE).await?;
        copied?;
        let kept = Database::connect(&named(url, SAVED)).await?.log().await?;
        Ok(Self {
            admin,
            url: url.to_owned(),
            kept,
        })
    }

    /// Waits until the log has gone well beyond the copy, or for so long that it may not.
    pub(crate) async fn age(&self) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        let database = Database::connect(&self.url).await?;
        let count = |log: &[Logged]| log.iter().filter(|logged| !is_own(logged)).count();
        while count(&database.log().await?) < count(&self.kept) + GROWTH && Instant::now() < deadline {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Puts the copy in the place of the database.
    pub(crate) async fn restore(self, clock: Clock) -> Result<Restored> {
        let admin = &self.admin;
        for (name, other) in [(LIVE, LOST), (SAVED, LIVE)] {
            admin.empty(name).await?;
            admin
                .run(&format!("ALTER DATABASE {name} RENAME TO {other}"))
                .await?;
        }
        let at = clock.now();
        admin.admit(LIVE).await?;
        admin.admit(LOST).await?;
        let lost = Database::connect(&named(&self.url, LOST)).await?.log().await?;
        Ok(Restored {
            at,
            lost,
            kept: self.kept,
        })
    }
}

impl Database {
    /// Nobody is connected to this database, and nobody can be.
    async fn empty(&self, name: &str) -> Result<()> {
        self.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            .await?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = timeout(LIMIT, self.0.query(END, &[&name])).await;
            if left.context("no answer in time")??.is_empty() {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "sessions with {name} do not end");
            sleep(POLL).await;
        }
    }

    async fn admit(&self, name: &str) -> Result<()> {
        self.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
            .await
    }

    async fn run(&self, statement: &str) -> Result<()> {
        timeout(LIMIT, self.0.batch_execute(statement))
            .await
            .context("no answer in time")?
            .with_context(|| format!("{statement} failed"))
    }
}

/// Whether it is an event of somebody's own stream, which has their id.
fn is_own(logged: &Logged) -> bool {
    logged.conversation == logged.actor
}

/// The URL of another database of the same server.
fn named(url: &str, name: &str) -> String {
    let server = url.rsplit_once('/').map_or(url, |(server, _)| server);
    format!("{server}/{name}")
}
