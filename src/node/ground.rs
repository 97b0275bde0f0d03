//! What a node stands on, looked at before it starts: Redis, its address, how many files it may open.

use crate::config::Config;
use crate::fanout;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tidings_eventlog::{LogConfig, Pool, schema};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 16_384;

/// What a node stands on, all of which is there.
pub(super) struct Ground {
    pub(super) log_config: LogConfig,
    /// Sessions with the migrated database, for those who read.
    pub(super) pool: Pool,
    pub(super) redis_url: String,
    pub(super) listener: TcpListener,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Ground {
    /// Looks for it. Errors say what is wrong and where.
    pub(super) async fn find(config: &Config) -> anyhow::Result<Self> {
        let mut log_config = config.log()?;
        // What projections keep for good, two for each lane, is taken out of the pool, and does not count there.
        log_config.pool_size = config.database_connections + usize::from(config.lanes);
        log_config.appenders = config.appenders;
        let pool = log_config.pool()?;
        schema::check(&pool)
            .await
            .context("the database cannot be used")?;
        let redis_url = config.require_redis_url()?.to_owned();
        check_redis(&redis_url, config.redis_ca.as_deref(), config.redis_required).await?;
        // Bound before anything runs, so that a port in use is found out at once.
        let listener = listen(config.listen)
            .with_context(|| format!("the address {} cannot be listened on", config.listen))?;
        let address = listener.local_addr()?;
        Ok(Self {
            log_config,
            pool,
            redis_url,
            listener,
            address,
        })
    }
}

/// A wrong URL or an old Redis is refused. One that is just away is refused too, unless the node may start without.
async fn check_redis(url: &str, authority: Option<&Path>, required: bool) -> anyhow::Result<()> {
    match fanout::check(url, authority, Duration::from_secs(3)).await {
        Err(fanout::RedisError::Unreachable(reason)) if !required => {
            tracing::warn!(reason, "Redis is away; starting without it");
            Ok(())
        }
        checked => checked.context("Redis cannot be used (TIDINGS_REDIS_URL)"),
    }
}

/// Listens with a backlog for all clients of a node that come back at once: whoever finds it full tries again only a
/// second later. The system may allow less.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // As every server does, so that a restart can bind at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Connections are open files.
pub(super) fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}
