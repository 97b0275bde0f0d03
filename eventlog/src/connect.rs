//! Connections to the log's database.

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::NoTls;

/// Settings of pooled sessions, as start-up options.
///
/// To plan a read anew each time costs more than to carry it out. Every one of them is a look-up by key, so plans that are
/// good on small tables only, and would be kept while the tables grow, are ruled out, as for appenders.
const READER_SETTINGS: &str = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off \
    -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

/// Where the log is, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The database, without TLS and with its time-outs set.
    pub postgres: tokio_postgres::Config,
    /// Connections for reading.
    pub pool_size: usize,
    /// Dedicated connections for appending, outside the pool.
    pub appenders: usize,
    /// The longest wait for any one answer.
    pub timeout: Duration,
}

/// Why the database cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("the database URL cannot be read: {0}")]
    Url(#[source] tokio_postgres::Error),
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    #[error("the database did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the pool cannot be built: {0}")]
    Pool(String),
}

impl LogConfig {
    /// Reads a `postgres://` URL.
    pub fn from_url(url: &str) -> Result<Self, ConnectError> {
        let mut postgres: tokio_postgres::Config = url.parse().map_err(ConnectError::Url)?;
        let timeout = Duration::from_secs(5);
        if postgres.get_connect_timeout().is_none() {
            postgres.connect_timeout(timeout);
        }
        postgres.application_name("tidings");
        Ok(Self {
            postgres,
            pool_size: 16,
            appenders: 2,
            timeout,
        })
    }

    /// A pool for reads and projections. Makes no connection yet.
    ///
    /// Its sessions keep one plan for each statement (see `READER_SETTINGS`); whoever needs others sets them.
    pub fn pool(&self) -> Result<Pool, ConnectError> {
        let mut postgres = self.postgres.clone();
        let asked = postgres.get_options().unwrap_or_default().to_owned();
        postgres.options(format!("{READER_SETTINGS} {asked}"));
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(postgres, NoTls, recycling);
        Pool::builder(manager)
            .max_size(self.pool_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(self.timeout))
            .create_timeout(Some(self.timeout))
            .recycle_timeout(Some(self.timeout))
            .build()
            .map_err(|error| ConnectError::Pool(error.to_string()))
    }
}
