//! How presence behaves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of presence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PresenceConfig {
    /// How long somebody counts as there whose last connection is gone, in milliseconds.
    pub grace_ms: u64,
    /// How long what a node has said counts when the node falls silent, in milliseconds.
    pub lease_ms: u64,
    /// How often a node says that it is there, in milliseconds; a third of the lease at most.
    pub renew_ms: u64,
    /// How often changes are read while somebody watches, in milliseconds; less than a third of the lease.
    pub poll_ms: u64,
    /// How often those who watch are told what is new, in milliseconds.
    pub update_ms: u64,
    /// How often those who watch large conversations are told how many are there, in milliseconds.
    pub count_ms: u64,
}

impl Default for PresenceConfig {
    fn default() -> Self {
        Self {
            grace_ms: 10_000,
            lease_ms: 15_000,
            renew_ms: 5_000,
            poll_ms: 500,
            update_ms: 1_000,
            count_ms: 5_000,
        }
    }
}

impl PresenceConfig {
    /// What is wrong with it, if anything.
    pub fn check(&self) -> Option<&'static str> {
        if self.renew_ms < 1 || self.lease_ms < 3 * self.renew_ms {
            return Some(
                "`presence.renew_ms` must be at least 1, and `presence.lease_ms` three times as much",
            );
        }
        if self.poll_ms < 1 || self.update_ms < 1 || self.count_ms < 1 {
            return Some(
                "`presence.poll_ms`, `presence.update_ms` and `presence.count_ms` must be at least 1",
            );
        }
        if self.lease_ms <= 3 * self.poll_ms {
            return Some("`presence.lease_ms` must be more than three times `presence.poll_ms`");
        }
        None
    }

    pub(super) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(super) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(super) fn renew(&self) -> Duration {
        Duration::from_millis(self.renew_ms)
    }

    pub(super) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(super) fn update(&self) -> Duration {
        Duration::from_millis(self.update_ms)
    }

    pub(super) fn count(&self) -> Duration {
        Duration::from_millis(self.count_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_so_seldom_that_each_time_counts_as_a_pause_is_refused() {
        let with = |poll_ms| PresenceConfig {
            poll_ms,
            ..PresenceConfig::default()
        };
        assert_eq!(with(4_999).check(), None);
        assert!(with(5_000).check().unwrap().contains("poll_ms"));
    }
}
