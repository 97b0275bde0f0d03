//! Who is connected to this node.

use super::limits::GatewayLimits;
use crate::rates::{Allowance, ByRole, Class, Connects, Rates, Share, Shares, Subject};
use crate::role::Role;
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

/// Budgets that are remembered after the last connection of their user has ended, some 20 MB.
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
    /// What users may send.
    allowances: ByRole<Allowance>,
    /// What they send at all nodes together.
    sent: ByRole<Shares>,
    connects: Connects,
}

struct Open {
    connections: HashMap<u64, Connection>,
    /// How many connections each user has.
    users: HashMap<UserId, usize>,
    budgets: HashMap<Payer, Lent>,
    /// Budgets of users who have no connection: whoever comes back finds what they left.
    left: LruCache<Payer, Budget>,
}

/// A user, and the role that they go by: a token may say another one than the token before it.
type Payer = (UserId, Option<Role>);

/// A budget, and how many connections pay with it.
struct Lent {
    connections: usize,
    budget: Budget,
}

/// What a user may still send: so many units at once, and more with time. Shared by all connections of the user that go by the same
/// role, those to other nodes too, as far as this one knows of them.
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
    /// The role that the budget goes by.
    pub role: Option<Role>,
}

impl Registry {
    pub fn new(limits: &GatewayLimits, rates: &Rates, connects: Connects) -> Self {
        let everybody = Allowance::per_second(limits.commands_per_second, limits.commands_burst);
        let allowances = rates.allowances(Class::Send, everybody);
        Self {
            next: AtomicU64::new(1),
            open: Mutex::new(Open {
                connections: HashMap::new(),
                users: HashMap::new(),
                budgets: HashMap::new(),
                left: LruCache::new(REMEMBERED),
            }),
            all: limits.connections,
            per_user: limits.connections_per_user,
            sent: rates.shares(Class::Send, &allowances),
            allowances,
            connects,
        }
    }

    /// What those may send who go by a role.
    pub(super) fn allowance(&self, role: Option<Role>) -> Allowance {
        *self.allowances.get(role)
    }

    fn budget(&self, (user, role): Payer) -> Budget {
        let Allowance { number, burst, .. } = self.allowance(role);
        let some = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(some(number)).allow_burst(some(burst));
        Budget::new(quota, self.sent.get(role).make(Subject::User(user.0)))
    }

    /// Enters a connection of a user who holds these roles.
    pub fn enter(
        registry: &Arc<Self>,
        user: UserId,
        held: &[Role],
        session: Uuid,
        device: Arc<str>,
        address: IpAddr,
        since: DateTime<Utc>,
    ) -> Result<Registered, TooMany> {
        registry.connects.user(user.0, held).map_err(TooMany::InTime)?;
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
        let count = open.users.get(&user).copied().unwrap_or_default();
        if count >= registry.per_user {
            return Err(TooMany::OfUser);
        }
        metrics::counter!("tidings_connections_opened_total").increment(1);
        open.users.insert(user, count + 1);
        let role = registry.allowances.role(held);
        let budget = open.lend((user, role), |payer| registry.budget(payer));
        open.connections.insert(id, connection.clone());
        metrics::gauge!("tidings_connections").set(open.connections.len() as f64);
        drop(open);
        Ok(Registered {
            registry: Arc::clone(registry),
            connection,
            budget,
            role,
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

impl Open {
    /// The budget with which one connection more pays.
    fn lend(&mut self, payer: Payer, whole: impl FnOnce(Payer) -> Budget) -> Budget {
        let Self { budgets, left, .. } = self;
        let lent = budgets.entry(payer).or_insert_with(|| Lent {
            connections: 0,
            budget: left.pop(&payer).unwrap_or_else(|| whole(payer)),
        });
        lent.connections += 1;
        lent.budget.clone()
    }

    /// One connection pays with it no longer.
    fn give_back(&mut self, payer: Payer) {
        let Some(lent) = self.budgets.get_mut(&payer) else {
            return;
        };
        lent.connections -= 1;
        if lent.connections == 0
            && let Some(gone) = self.budgets.remove(&payer)
        {
            self.left.put(payer, gone.budget);
        }
    }
}

impl Registered {
    /// Goes by these roles from now on, which a later token says.
    pub(super) fn renew(&mut self, held: &[Role]) {
        let role = self.registry.allowances.role(held);
        if role == self.role {
            return;
        }
        let user = self.connection.user;
        let mut open = self.registry.open();
        open.give_back((user, self.role));
        self.budget = open.lend((user, role), |payer| self.registry.budget(payer));
        self.role = role;
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut open = self.registry.open();
        open.connections.remove(&self.connection.id);
        metrics::gauge!("tidings_connections").set(open.connections.len() as f64);
        let user = self.connection.user;
        open.give_back((user, self.role));
        if let Some(connections) = open.users.get_mut(&user) {
            *connections -= 1;
            if *connections == 0 {
                open.users.remove(&user);
            }
        }
    }
}
