//! What a node stands on, looked at before it starts: Redis, its address, how many files it may open.

use crate::fanout;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 16_384;

/// A wrong URL or an old Redis is refused. One that is just away is refused too, unless the node may start without.
pub(super) async fn check_redis(url: &str, authority: Option<&Path>, required: bool) -> anyhow::Result<()> {
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
pub(super) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
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
