//! How many sockets there may be, and how long the server waits for what clients send over them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Limits of the listener, for whatever is spoken over its sockets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpLimits {
    /// Sockets beyond `gateway.connections`: requests, GraphQL's sockets, and those that have not said hello.
    pub spare_sockets: usize,
    /// Sockets of one client address (of one /64 in IPv6), whatever is spoken over them.
    pub sockets_per_address: usize,
    /// How long a client may take for the head of a request, from the moment it connects or has had its last answer: a
    /// socket that idles is closed after as long.
    pub head_ms: u64,
    /// How long a client may take for the whole body of a request.
    pub body_ms: u64,
    /// How long a client may take to read on before its socket is closed. `gateway.slow_ms` is the same for connections.
    pub stalled_ms: u64,
    /// Origins whose pages may open `/ws` and `/graphql/ws`, as in `https://chat.example.com`; empty for all. Pages of those that are named may
    /// call `/auth`, `/graphql` and `/attachments`, too, and read the answers (CORS). Clients that are no browsers send none and are not asked.
    pub origins: Vec<String>,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            spare_sockets: 5_000,
            sockets_per_address: 1_000,
            head_ms: 10_000,
            body_ms: 10_000,
            stalled_ms: 20_000,
            origins: vec![],
        }
    }
}

impl HttpLimits {
    pub(super) fn head(&self) -> Duration {
        Duration::from_millis(self.head_ms)
    }

    pub(super) fn body(&self) -> Duration {
        Duration::from_millis(self.body_ms)
    }

    pub(super) fn stalled(&self) -> Duration {
        Duration::from_millis(self.stalled_ms)
    }
}
