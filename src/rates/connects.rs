//! How often users and addresses connect, whichever socket they take.

use super::{Allowance, ByRole, Class, Rate, Rates, Subject};
use crate::role::Role;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Counts connections of a node that begin. Cheap to clone.
#[derive(Clone)]
pub struct Connects(Arc<Counts>);

struct Counts {
    users: ByRole<Rate>,
    addresses: Rate,
}

impl Connects {
    /// `user` is what everybody may who has no role that allows more, `address` what all may who are at one.
    pub fn new(rates: &Rates, user: Allowance, address: Allowance) -> Self {
        let users = rates.allowances(Class::Connect, user);
        Self(Arc::new(Counts {
            users: rates.of_users(Class::Connect, &users),
            addresses: rates.rate(Class::Connect, address),
        }))
    }

    /// Somebody at this address begins a connection, or has to wait.
    pub fn address(&self, address: IpAddr) -> Result<(), Duration> {
        self.0.addresses.take(Subject::address(address))
    }

    /// A user who holds these roles begins a connection, or has to wait.
    pub fn user(&self, user: Uuid, held: &[Role]) -> Result<(), Duration> {
        self.0.users.of(held).take(Subject::User(user))
    }
}
