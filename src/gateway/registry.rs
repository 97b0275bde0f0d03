//! Who is connected to this node.

use chrono::{DateTime, Utc};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_domain::UserId;

/// What is known of a connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub id: u64,
    pub user: UserId,
    pub device: String,
    pub since: DateTime<Utc>,
    pub address: IpAddr,
}

/// Connections of this node, and what each user may still send.
pub struct Registry {
    next: AtomicU64,
    open: Mutex<Open>,
    all: usize,
    per_user: usize,
    quota: Quota,
}

#[derive(Default)]
struct Open {
    connections: HashMap<u64, Connection>,
    users: HashMap<UserId, User>,
}

struct User {
    connections: usize,
    limiter: Arc<DefaultDirectRateLimiter>,
}

/// There are as many connections as there may be.
#[derive(Debug, PartialEq, Eq)]
pub enum TooMany {
    OfNode,
    OfUser,
}

/// A place in the registry, given up when dropped.
pub struct Registered {
    registry: Arc<Registry>,
    pub connection: Connection,
    /// Shared by all connections of the user.
    pub limiter: Arc<DefaultDirectRateLimiter>,
}

impl Registry {
    /// `all` connections, `per_user` of one user; `per_second` and `burst` are of objects that a user sends.
    pub fn new(all: usize, per_user: usize, per_second: u32, burst: u32) -> Self {
        let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        Self {
            next: AtomicU64::new(1),
            open: Mutex::default(),
            all,
            per_user,
            quota: Quota::per_second(per_second).allow_burst(burst),
        }
    }

    /// Enters a connection.
    pub fn enter(
        registry: &Arc<Self>,
        user: UserId,
        device: String,
        address: IpAddr,
        since: DateTime<Utc>,
    ) -> Result<Registered, TooMany> {
        let id = registry.next.fetch_add(1, Ordering::Relaxed);
        let connection = Connection {
            id,
            user,
            device,
            since,
            address,
        };
        let mut open = registry.open();
        // Asked at the upgrade too, but those that have not said hello are not counted there.
        if open.connections.len() >= registry.all {
            return Err(TooMany::OfNode);
        }
        let entry = open.users.entry(user).or_insert_with(|| User {
            connections: 0,
            limiter: Arc::new(RateLimiter::direct(registry.quota)),
        });
        if entry.connections >= registry.per_user {
            return Err(TooMany::OfUser);
        }
        entry.connections += 1;
        let limiter = Arc::clone(&entry.limiter);
        open.connections.insert(id, connection.clone());
        metrics::gauge!("tidings_connections").set(open.connections.len() as f64);
        drop(open);
        Ok(Registered {
            registry: Arc::clone(registry),
            connection,
            limiter,
        })
    }

    /// How many connections are open.
    pub fn count(&self) -> usize {
        self.open().connections.len()
    }

    /// All open connections.
    pub fn connections(&self) -> Vec<Connection> {
        self.open().connections.values().cloned().collect()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut open = self.registry.open();
        open.connections.remove(&self.connection.id);
        metrics::gauge!("tidings_connections").set(open.connections.len() as f64);
        let user = self.connection.user;
        if let Some(entry) = open.users.get_mut(&user) {
            entry.connections -= 1;
            if entry.connections == 0 {
                open.users.remove(&user);
            }
        }
    }
}
