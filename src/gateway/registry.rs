//! Who is connected to this node.

use super::limits::GatewayLimits;
use crate::rates::{Class, Rate, Rates, Share, Shares, Subject};
use chrono::{DateTime, Utc};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use lru::LruCache;
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_projections::{Order, Range};
use uuid::Uuid;

/// Users whose budgets are remembered after their last connection has ended, some 20 MB.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");

/// What is known of a connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub id: u64,
    pub user: UserId,
    /// What its welcome names it, different on every node.
    pub session: Uuid,
    pub device: Arc<str>,
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
    /// What users send at all nodes together.
    sent: Shares,
    /// How often users connect.
    connects: Rate,
}

struct Open {
    connections: HashMap<u64, Connection>,
    users: HashMap<UserId, User>,
    /// Budgets of users who have no connection: whoever comes back finds what they left.
    left: LruCache<UserId, Budget>,
}

struct User {
    connections: usize,
    budget: Budget,
}

/// What a user may still send: so many units at once, and more with time. Shared by all connections of the user, those to other
/// nodes too, as far as this one knows of them.
#[derive(Clone)]
pub struct Budget {
    limiter: Arc<DefaultDirectRateLimiter>,
    share: Arc<Share>,
    burst: NonZeroU32,
    /// What objects turned out to cost when they had been let through. The next one pays it.
    owed: Arc<AtomicU32>,
}

impl Budget {
    fn new(quota: Quota, share: Arc<Share>) -> Self {
        Self {
            limiter: Arc::new(RateLimiter::direct(quota)),
            share,
            burst: quota.burst_size(),
            owed: Arc::default(),
        }
    }

    /// Takes `units`, or everything where they are more than there can be; otherwise says how long to wait.
    pub(super) fn take(&self, units: NonZeroU32) -> Result<(), Duration> {
        let owed = self.owed.swap(0, Ordering::Relaxed);
        let units = units.saturating_add(owed).min(self.burst);
        let taken = match self.share.wait(units.get()) {
            Some(wait) => Err(wait),
            None => self.take_here(units),
        };
        match taken {
            Ok(()) => self.share.used(units.get()),
            Err(_) => self.owe(owed),
        }
        taken
    }

    fn take_here(&self, units: NonZeroU32) -> Result<(), Duration> {
        match self.limiter.check_n(units) {
            Ok(taken) => taken.map_err(|refusal| refusal.wait_time_from(DefaultClock::default().now())),
            // It is not more than the burst.
            Err(_) => Err(Duration::from_secs(1)),
        }
    }

    /// Adds `units` to what the next object costs, so that all together are no more than there can be.
    pub(super) fn owe(&self, units: u32) {
        let most = self.burst.get();
        let more = |owed: u32| Some(owed.saturating_add(units).min(most));
        // It is always some.
        let _ = self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

/// There are as many connections as there may be.
#[derive(Debug, PartialEq, Eq)]
pub enum TooMany {
    OfNode,
    OfUser,
    /// The user has begun so many that they have to wait.
    InTime(Duration),
}

/// A place in the registry, given up when dropped.
pub struct Registered {
    registry: Arc<Registry>,
    pub connection: Connection,
    pub budget: Budget,
}

impl Registry {
    pub fn new(limits: &GatewayLimits, rates: &Rates) -> Self {
        let per_second = NonZeroU32::new(limits.commands_per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(limits.commands_burst).unwrap_or(NonZeroU32::MIN);
        let period = Duration::from_secs(1) / per_second.get();
        Self {
            next: AtomicU64::new(1),
            open: Mutex::new(Open {
                connections: HashMap::new(),
                users: HashMap::new(),
                left: LruCache::new(REMEMBERED),
            }),
            all: limits.connections,
            per_user: limits.connections_per_user,
            quota: Quota::per_second(per_second).allow_burst(burst),
            sent: rates.shares(Class::Send, burst.get(), period),
            connects: rates.rate(
                Class::Connect,
                limits.connects_burst,
                Duration::from_mins(1) / limits.connects_per_minute.max(1),
            ),
        }
    }

    /// Enters a connection.
    pub fn enter(
        registry: &Arc<Self>,
        user: UserId,
        session: Uuid,
        device: Arc<str>,
        address: IpAddr,
        since: DateTime<Utc>,
    ) -> Result<Registered, TooMany> {
        registry
            .connects
            .take(Subject::User(user.0))
            .map_err(TooMany::InTime)?;
        let id = registry.next.fetch_add(1, Ordering::Relaxed);
        let connection = Connection {
            id,
            user,
            session,
            device,
            since,
            address,
        };
        let mut open = registry.open();
        // Asked at the upgrade too, but those that have not said hello are not counted there.
        if open.connections.len() >= registry.all {
            return Err(TooMany::OfNode);
        }
        let Open { users, left, .. } = &mut *open;
        let entry = users.entry(user).or_insert_with(|| User {
            connections: 0,
            budget: left.pop(&user).unwrap_or_else(|| {
                let share = registry.sent.make(Subject::User(user.0));
                Budget::new(registry.quota, share)
            }),
        });
        if entry.connections >= registry.per_user {
            return Err(TooMany::OfUser);
        }
        metrics::counter!("tidings_connections_opened_total").increment(1);
        entry.connections += 1;
        let budget = entry.budget.clone();
        open.connections.insert(id, connection.clone());
        metrics::gauge!("tidings_connections").set(open.connections.len() as f64);
        drop(open);
        Ok(Registered {
            registry: Arc::clone(registry),
            connection,
            budget,
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

    /// A part of the open connections, or of those of one user, in the order of their sessions, and whether there are any before
    /// the range and behind it.
    pub fn part(&self, user: Option<UserId>, range: &Range<Uuid>) -> (Vec<Connection>, (bool, bool)) {
        let open = self.open();
        let (mut within, mut around) = (vec![], (false, false));
        let is_meant = |connection: &&Connection| user.is_none_or(|user| user == connection.user);
        for connection in open.connections.values().filter(is_meant) {
            let session = connection.session;
            if range.after.is_some_and(|after| session <= after) {
                around.0 = true;
            } else if range.before.is_some_and(|before| session >= before) {
                around.1 = true;
            } else {
                within.push((session, connection.id));
            }
        }
        within.sort_unstable();
        if range.order == Order::Descending {
            within.reverse();
        }
        let rows = usize::try_from(range.rows).unwrap_or(0);
        let part = within.iter().take(rows);
        let part = part.filter_map(|(_, id)| open.connections.get(id).cloned());
        (part.collect(), around)
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
            if entry.connections == 0
                && let Some(gone) = open.users.remove(&user)
            {
                open.left.put(user, gone.budget);
            }
        }
    }
}
