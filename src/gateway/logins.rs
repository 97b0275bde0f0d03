//! Whose login each open connection speaks for, so that it ends with it: when its user is suspended, and when its session is
//! ended or revoked, on whatever node that was done.

use super::close::reason;
use super::shared::Shared;
use crate::accounts::Authenticator;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tidings_domain::UserId;
use tidings_protocol::{Close, CloseCode};
use uuid::Uuid;

/// When a client comes again whose connection an administrator has closed, in milliseconds.
const RETURN_MS: u64 = 1000;

/// The logins of all connections of a node. Cheap to clone.
#[derive(Clone)]
pub struct Logins(Arc<Inner>);

struct Inner {
    authenticator: Authenticator,
    open: Mutex<HashMap<u64, Open>>,
}

struct Open {
    user: UserId,
    /// What its welcome names it.
    session: Uuid,
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
        session: Uuid,
        login: Option<Uuid>,
        shared: &Arc<Shared>,
    ) -> Login {
        let open = Open {
            user,
            session,
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

    /// Closes the connections of a user, or those of a session, be it their own or that of their token; with both, those of both.
    /// Their clients come again. Returns how many there were.
    pub fn disconnect(&self, user: Option<UserId>, session: Option<Uuid>) -> usize {
        let is_meant = |open: &Open| {
            user.is_none_or(|user| user == open.user)
                && session.is_none_or(|session| session == open.session || Some(session) == open.login)
        };
        let meant: Vec<Arc<Shared>> = self
            .open()
            .values()
            .filter(|open| is_meant(open))
            .filter_map(|open| open.connection.upgrade())
            // Others have been told to go already, and are on their way.
            .filter(|shared| !shared.outbox.is_closing())
            .collect();
        for shared in &meant {
            shared.outbox.close(Close {
                reason: "an administrator has closed the connection".to_owned(),
                ..Close::new(CloseCode::GoingAway).with_retry_after_ms(RETURN_MS)
            });
            shared.stop_reading.cancel();
        }
        meant.len()
    }

    /// The session of the token of a connection, and the bytes of events that wait to be written to it.
    pub fn of(&self, connection: u64) -> Option<(Option<Uuid>, usize)> {
        let (login, shared) = {
            let open = self.open();
            let open = open.get(&connection)?;
            (open.login, open.connection.upgrade()?)
        };
        Some((login, shared.outbox.waiting().0))
    }

    /// Records what waits to be written to each connection.
    pub fn look(&self) {
        let bytes = metrics::histogram!("tidings_outbox_bytes");
        let age = metrics::histogram!("tidings_outbox_age_seconds");
        for open in self.open().values() {
            if let Some(shared) = open.connection.upgrade() {
                let (waiting, since) = shared.outbox.waiting();
                bytes.record(waiting as f64);
                age.record(since);
            }
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
