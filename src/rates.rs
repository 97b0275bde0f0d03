//! Rates: what users and addresses may do in a time, counted over all nodes together.
//!
//! Each node counts by itself and decides at once. Of those who use more than a small part of a rate Redis is told, a little later,
//! and says what all nodes have given; that is obeyed as long as it is known. Nobody waits for Redis, and without it each node is
//! alone with the same rates (ADR 54).

mod allowance;
mod config;
mod connects;
mod counted;
mod limiter;
mod share;
mod teller;

pub use allowance::{Allowance, ByRole};
pub use config::{RatesConfig, RatesOfRoles, RoleRates};
pub use connects::Connects;
pub(crate) use limiter::{Limiter, address_key};
pub use share::{Share, Shares};

use crate::fanout::Redis;
use crate::lifecycle::Lifecycle;
use crate::role::Role;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use teller::Teller;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Users and addresses that may wait until Redis is told of them. Of others it is not told, for once.
const LINE: usize = 16_384;

/// Bytes a second that come of a file, once it has begun to come, and that a client takes of what waits for it: at least.
pub const LEAST_RATE: u64 = 4 << 10;

/// What is counted. Each has a rate of its own, and a key of its own for each user or address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Connections: of users who have said who they are, and of addresses.
    Connect,
    /// Objects of connections, by the work that they make.
    Send,
    /// Files that begin to come.
    Upload,
    /// The cost of queries.
    Graphql,
    Login,
    Refresh,
    Register,
    /// Passwords and refresh tokens that were wrong.
    Failure,
}

impl Class {
    /// Its name in keys and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Upload => "upload",
            Self::Graphql => "graphql",
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Register => "register",
            Self::Failure => "failure",
        }
    }
}

/// Who uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    User(Uuid),
    /// One made by [`Subject::address`].
    Address(IpAddr),
}

impl Subject {
    /// Whoever is at this address: of IPv6, in this household.
    pub fn address(address: IpAddr) -> Self {
        Self::Address(address_key(address))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "{}", user.simple()),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// The rates of a node. Cheap to clone.
#[derive(Clone)]
pub struct Rates {
    line: Option<mpsc::Sender<Arc<Share>>>,
    roles: Arc<RatesConfig>,
}

impl Rates {
    /// Shares them with the other nodes of the log, until the node stops. `roles` says what roles allow.
    pub fn start(lifecycle: &Lifecycle, redis: Redis, log_id: Uuid, roles: RatesConfig) -> Self {
        let (line, shares) = mpsc::channel(LINE);
        let teller = Teller::new(redis, log_id);
        lifecycle.spawn_for_life("rates", teller.run(shares, lifecycle.stopping()));
        Self {
            line: Some(line),
            roles: Arc::new(roles),
        }
    }

    /// For what is no node: nobody else is told.
    pub fn alone() -> Self {
        Self {
            line: None,
            roles: Arc::default(),
        }
    }

    /// What users may use by their roles, where everybody may use this.
    pub fn allowances(&self, class: Class, everybody: Allowance) -> ByRole<Allowance> {
        self.roles.allowances(class, everybody)
    }

    /// What all nodes together give a user, for whoever counts by themselves at this one. What is used by one role is not counted by
    /// another.
    pub fn shares(&self, class: Class, allowances: &ByRole<Allowance>) -> ByRole<Shares> {
        allowances.map(|role, allowance| self.shares_by(class, role, *allowance))
    }

    /// The same with a count of this node in front.
    pub fn of_users(&self, class: Class, allowances: &ByRole<Allowance>) -> ByRole<Rate> {
        allowances.map(|role, allowance| self.rate_by(class, role, *allowance))
    }

    /// A rate that has nothing to do with roles: that of addresses.
    pub fn rate(&self, class: Class, allowance: Allowance) -> Rate {
        self.rate_by(class, None, allowance)
    }

    fn rate_by(&self, class: Class, role: Option<Role>, allowance: Allowance) -> Rate {
        Rate {
            here: Limiter::new(allowance.burst, allowance.period()),
            everywhere: self.shares_by(class, role, allowance),
        }
    }

    fn shares_by(&self, class: Class, role: Option<Role>, allowance: Allowance) -> Shares {
        Shares::new(class, role, allowance, self.line.clone())
    }
}

/// So many at once of each user or address, and one more for each period.
pub struct Rate {
    here: Limiter<Subject>,
    everywhere: Shares,
}

impl Rate {
    /// Takes one, or says how long to wait.
    pub fn take(&self, subject: Subject) -> Result<(), Duration> {
        let share = self.everywhere.of(subject);
        if let Some(wait) = share.wait(1) {
            return Err(wait);
        }
        self.here.take(&subject)?;
        share.used(1);
        Ok(())
    }

    /// Whether [`Self::take`] would be granted.
    pub fn check(&self, subject: Subject) -> Result<(), Duration> {
        match self.everywhere.of(subject).wait(1) {
            Some(wait) => Err(wait),
            None => self.here.check(&subject),
        }
    }
}
