//! The users of this node, shared by its connections and by what says so in Redis.

use super::here::{Device, Here};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_domain::UserId;
use tidings_domain::presence::Status;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(super) struct Local {
    here: Mutex<Here>,
    stirred: Notify,
}

impl Local {
    pub(super) fn new(here: Here) -> Self {
        Self {
            here: Mutex::new(here),
            stirred: Notify::new(),
        }
    }

    pub(super) fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something may have to be said.
    pub(super) async fn stirred(&self) {
        self.stirred.notified().await;
    }

    pub(super) fn arrive(self: &Arc<Self>, user: UserId, device: Device) -> Arrived {
        let connection = device.connection;
        self.here().arrive(user, device);
        self.stirred.notify_one();
        Arrived {
            local: Arc::clone(self),
            user,
            connection,
        }
    }
}

/// A connection that counts as there, until it is dropped.
pub struct Arrived {
    local: Arc<Local>,
    user: UserId,
    connection: u64,
}

impl Arrived {
    /// What its client says of it.
    pub fn say(&self, status: Status) {
        self.local.here().say(self.user, self.connection, status);
        self.local.stirred.notify_one();
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        self.local
            .here()
            .depart(self.user, self.connection, Instant::now());
        self.local.stirred.notify_one();
    }
}
