//! Who may try again now: floods are stopped by address, guesses by address and by name.
//!
//! This is the part that forgets; what addresses do holds over all nodes. What an account itself remembers of failed attempts,
//! with delays that double, is in the database and holds across nodes, too.

use super::config::AuthLimits;
use super::error::AccountError;
use crate::rates::{Allowance, Class, Limiter, Rate, Rates, Subject, address_key};
use std::net::IpAddr;
use std::time::Duration;

pub(super) struct Guard {
    registrations: Rate,
    logins: Rate,
    refreshes: Rate,
    address_failures: Rate,
    /// By name and address, so that nobody is kept out by a stranger's guesses. Also of names that do not exist, so that they
    /// are slowed like the others.
    name_failures: Limiter<(String, IpAddr)>,
}

impl Guard {
    pub(super) fn new(limits: &AuthLimits, rates: &Rates) -> Self {
        let requests = |class| {
            let allowance = Allowance::per_second(limits.requests_per_s, limits.requests_burst);
            rates.rate(class, allowance)
        };
        Self {
            registrations: rates.rate(
                Class::Register,
                Allowance::per_second(limits.registrations_per_s, limits.registrations_burst),
            ),
            logins: requests(Class::Login),
            refreshes: requests(Class::Refresh),
            address_failures: rates.rate(
                Class::Failure,
                Allowance {
                    number: 1,
                    per: Duration::from_millis(limits.address_failure_ms),
                    burst: limits.address_failures,
                },
            ),
            name_failures: Limiter::new(limits.name_failures, Duration::from_millis(limits.name_delay_ms)),
        }
    }

    pub(super) fn register(&self, from: IpAddr) -> Result<(), AccountError> {
        self.registrations.take(Subject::address(from)).map_err(too_many)
    }

    pub(super) fn login(&self, from: IpAddr) -> Result<(), AccountError> {
        self.attempt(&self.logins, from)
    }

    pub(super) fn refresh(&self, from: IpAddr) -> Result<(), AccountError> {
        self.attempt(&self.refreshes, from)
    }

    fn attempt(&self, requests: &Rate, from: IpAddr) -> Result<(), AccountError> {
        let address = Subject::address(from);
        self.address_failures
            .check(address)
            .and_then(|()| requests.take(address))
            .map_err(too_many)
    }

    pub(super) fn name(&self, key: &str, from: IpAddr) -> Result<(), AccountError> {
        self.name_failures.check(&at(key, from)).map_err(too_many)
    }

    /// Counts a failed attempt, and answers `error`, or how long to wait where there were too many.
    pub(super) fn wrong_address(&self, from: IpAddr, error: AccountError) -> AccountError {
        self.address_failures
            .take(Subject::address(from))
            .map_or_else(too_many, |()| error)
    }

    pub(super) fn wrong_name(&self, key: &str, from: IpAddr) {
        // Refused means that others failed at the same time; the count is full either way.
        let _ = self.name_failures.take(&at(key, from));
    }

    pub(super) fn right_name(&self, key: &str, from: IpAddr) {
        self.name_failures.forget(&at(key, from));
    }
}

fn at(key: &str, from: IpAddr) -> (String, IpAddr) {
    (key.to_owned(), address_key(from))
}

fn too_many(wait: Duration) -> AccountError {
    AccountError::TooMany { wait }
}
