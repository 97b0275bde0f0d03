//! The network around a node, as far as it can be disturbed.

use anyhow::{Context as _, Result};
use tidings_services::{ChaosProxy, Postgres, Redis};

use crate::{DATABASE, Node};

/// Proxies between a node and its stores, and between clients and the node.
#[derive(Debug)]
pub struct Network {
    pub postgres: ChaosProxy,
    pub redis: ChaosProxy,
    /// Clients that connect to [`ChaosProxy::address`] of this one can be disturbed; others reach the node itself.
    pub clients: ChaosProxy,
    /// As `clients`, for those who are to block the node when they do not read: its buffers hold next to nothing.
    pub narrow: ChaosProxy,
}

impl Network {
    /// The proxies towards the stores must be there before the node.
    pub(crate) async fn stores(postgres: &Postgres, redis: &Redis) -> Result<[ChaosProxy; 2]> {
        Ok([
            ChaosProxy::to_port(postgres.port()).await?,
            ChaosProxy::to_port(redis.port()).await?,
        ])
    }

    pub(crate) async fn around(node: &Node, [postgres, redis]: [ChaosProxy; 2]) -> Result<Self> {
        let clients = ChaosProxy::start(node.address()).await;
        let narrow = ChaosProxy::narrow(node.address());
        Ok(Self {
            postgres,
            redis,
            clients: clients.context("no proxy for clients")?,
            narrow: narrow.context("no narrow proxy for clients")?,
        })
    }
}

/// The URLs of the stores through these proxies.
pub(crate) fn urls(postgres: &Postgres, redis: &Redis, proxies: &[ChaosProxy; 2]) -> [String; 2] {
    let through = |url: String, own: u16, proxy: &ChaosProxy| {
        url.replacen(&format!(":{own}/"), &format!(":{}/", proxy.port()), 1)
    };
    [
        through(postgres.url(DATABASE), postgres.port(), &proxies[0]),
        through(redis.url(0), redis.port(), &proxies[1]),
    ]
}
