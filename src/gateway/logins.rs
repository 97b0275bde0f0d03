//! Whose login each open connection speaks for, so that it ends with it: when its user is suspended, and when its session is
//! ended or revoked, on whatever node that was done.

use super::close::reason;
use super::shared::Shared;
use crate::accounts::Authenticator;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tidings_domain::UserId;
use uuid::Uuid;

/// The logins of all connections of a node. Cheap to clone.
#[derive(Clone)]
pub struct Logins(Arc<Inner>);

struct Inner {
    authenticator: Authenticator,
    open: Mutex<HashMap<u64, Open>>,
}

struct Open {
    user: UserId,
    /// The session of its token, where that is one of ours.
    login: Option<Uuid>,
    connection: Weak<Shared>,
}

/// A connection's entry, taken out when dropped.
pub(super) struct Login {
    logins: Logins,
    connection: u64,
}

impl Logins {
    pub fn new(authenticator: Authenticator) -> Self {
        Self(Arc::new(Inner {
            authenticator,
            open: Mutex::default(),
        }))
    }

    /// Enters a connection. One whose login has just ended, after its token was checked, ends at once.
    pub(super) fn enter(
        &self,
        connection: u64,
        user: UserId,
        login: Option<Uuid>,
        shared: &Arc<Shared>,
    ) -> Login {
        let open = Open {
            user,
            login,
            connection: Arc::downgrade(shared),
        };
        self.open().insert(connection, open);
        self.check(user, login, shared);
        Login {
            logins: self.clone(),
            connection,
        }
    }

    /// Ends connections as their logins end; for as long as the node runs.
    pub async fn watch(self) {
        let mut changes = self.0.authenticator.changes();
        while changes.changed().await.is_ok() {
            self.end_ended();
        }
    }

    fn end_ended(&self) {
        let authenticator = &self.0.authenticator;
        let ended: Vec<_> = self
            .open()
            .values()
            .filter(|open| authenticator.refusal(open.user.0, open.login).is_some())
            .filter_map(|open| Some((open.user, open.login, open.connection.upgrade()?)))
            .collect();
        for (user, login, shared) in ended {
            self.check(user, login, &shared);
        }
    }

    fn check(&self, user: UserId, login: Option<Uuid>, shared: &Shared) {
        if let Some(error) = self.0.authenticator.refusal(user.0, login) {
            shared.outbox.close(reason(error));
            shared.stop_reading.cancel();
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Login {
    /// The connection's token has been renewed, perhaps by one of another session.
    pub(super) fn renew(&self, user: UserId, login: Option<Uuid>, shared: &Shared) {
        if let Some(open) = self.logins.open().get_mut(&self.connection) {
            open.login = login;
        }
        self.logins.check(user, login, shared);
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        self.logins.open().remove(&self.connection);
    }
}
