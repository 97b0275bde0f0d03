//! Connections to the log's database.

use crate::blame::describe;
use crate::home::Home;
use crate::pool::Pool;
use crate::tls::{Asked, Tls};
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod, Runtime};
use std::path::Path;
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::config::TargetSessionAttrs;

/// Settings of pooled sessions, as start-up options.
///
/// To plan a read anew each time costs more than to carry it out. Every one of them is a look-up by key, so plans that are
/// good on small tables only, and would be kept while the tables grow, are ruled out, as for appenders.
const READER_SETTINGS: &str = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off \
    -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

/// Settings of every session: the server notices within some twenty seconds that a node has gone without a word, and frees
/// what the session held, locks above all. Where something between answers for the node, a transaction that nobody goes on
/// with ends as well.
const LIVENESS: &str = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3 \
    -c tcp_user_timeout=20000 -c idle_in_transaction_session_timeout=30000";
/// The same from this side.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_RETRIES: u32 = 3;

/// Says that this program deletes by version what belongs to one version of a read model, so that triggers let it.
const TOLD_APART: &str = "-c tidings.versions=apart";

/// The longest wait for any one answer, unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A statement of a pooled session that nobody has given up ends after this many time-outs.
const STATEMENT_TIMEOUTS: u32 = 3;

/// Where the log is, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The database, with its time-outs set.
    pub postgres: tokio_postgres::Config,
    /// The schema in it.
    pub home: Home,
    tls: Tls,
    /// Connections for reading.
    pub pool_size: usize,
    /// Dedicated connections for appending, outside the pool.
    pub appenders: usize,
    /// The longest wait for any one answer.
    pub timeout: Duration,
    /// How long a migration waits for another to end, and for those who use what it changes.
    pub migration_wait: Duration,
}

/// Why the database cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("the database URL cannot be read: {0}")]
    Url(#[source] tokio_postgres::Error),
    #[error("TLS to the database: {0}")]
    Tls(String),
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    #[error("the database did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the pool cannot be built: {0}")]
    Pool(String),
}

impl LogConfig {
    /// Reads a `postgres://` URL, its `sslmode` and `sslrootcert` included.
    pub fn from_url(url: &str) -> Result<Self, ConnectError> {
        Self::with_authority(url, None)
    }

    /// The same, where the certificates in the file `authority` are trusted instead of the system's.
    pub fn with_authority(url: &str, authority: Option<&Path>) -> Result<Self, ConnectError> {
        let (asked, url) = Asked::take_from(url);
        let mut postgres: tokio_postgres::Config = url.parse().map_err(ConnectError::Url)?;
        let tls = asked.settle(&mut postgres, authority)?;
        postgres
            .application_name("tidings")
            .keepalives(true)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES);
        // A server that only reads, a standby or one that has been demoted, is not the log. Tools that do no more than read
        // can say `target_session_attrs=any`.
        if !url.contains("target_session_attrs=") {
            postgres.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Ok(Self {
            postgres,
            home: Home::default(),
            tls,
            pool_size: 16,
            appenders: 2,
            timeout: Duration::ZERO,
            migration_wait: Duration::from_mins(2),
        }
        .with_timeout(TIMEOUT))
    }

    /// Waits so long for any one answer, and for a connection where the URL says nothing else.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        let old = std::mem::replace(&mut self.timeout, timeout);
        let is_ours = |wait: Option<&Duration>| wait.is_none_or(|wait| *wait == old);
        if is_ours(self.postgres.get_connect_timeout()) {
            self.postgres.connect_timeout(timeout);
        }
        if is_ours(self.postgres.get_tcp_user_timeout()) {
            self.postgres.tcp_user_timeout(timeout);
        }
        self
    }

    /// A pool for reads and projections, of `pool_size` sessions. Makes no connection yet.
    ///
    /// Its sessions keep one plan for each statement (see `READER_SETTINGS`); whoever needs others sets them.
    pub fn pool(&self) -> Result<Pool, ConnectError> {
        self.pool_of(self.pool_size)
    }

    /// The same of another size, for those who must not wait for the others.
    pub fn pool_of(&self, size: usize) -> Result<Pool, ConnectError> {
        let limit = (self.timeout * STATEMENT_TIMEOUTS).as_millis();
        let postgres = self.with_settings(&format!("{READER_SETTINGS} -c statement_timeout={limit}"));
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(postgres, self.tls.connector(), recycling);
        let sessions = deadpool_postgres::Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(self.timeout))
            .create_timeout(Some(self.timeout))
            .recycle_timeout(Some(self.timeout))
            .build()
            .map_err(|error| ConnectError::Pool(error.to_string()))?;
        Ok(Pool::new(
            sessions,
            self.home.clone(),
            self.tls.clone(),
            self.timeout,
        ))
    }

    /// Opens a session outside of any pool, within the time-out.
    pub(crate) async fn connect(&self) -> Result<Session, ConnectError> {
        let postgres = self.with_settings("");
        let connecting = tokio::time::timeout(self.timeout, postgres.connect(self.tls.connector()));
        let (client, connection) = connecting
            .await
            .map_err(|_| ConnectError::Timeout(self.timeout))?
            .map_err(|error| ConnectError::Unreachable(describe(&error)))?;
        #[expect(clippy::disallowed_methods, reason = "the session ends it when it is dropped")]
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = describe(&error), "a session ended");
            }
        });
        Ok(Session { client, driver })
    }

    /// Start-up options of a session; what the URL asks for comes last and wins, but for where the log is.
    fn with_settings(&self, settings: &str) -> tokio_postgres::Config {
        let mut postgres = self.postgres.clone();
        let asked = postgres.get_options().unwrap_or_default().to_owned();
        postgres.options(format!(
            "{LIVENESS} {TOLD_APART} {settings} {asked} {}",
            self.home.option()
        ));
        postgres
    }
}

/// A session of its owner's own; it closes when dropped, whatever it is doing.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
