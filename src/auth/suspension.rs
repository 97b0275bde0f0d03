//! Who is suspended: known on every node within seconds, and at once on the one that did it.

use super::database::{Database, DatabaseError};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

/// The ids of suspended users, as of the last look. While the database is away, the last look stands.
pub(super) struct Suspensions {
    database: Database,
    users: watch::Sender<Arc<HashSet<Uuid>>>,
    /// Looks happen one after the other, so that an older one cannot replace a newer.
    looking: Mutex<()>,
}

impl Suspensions {
    pub(super) async fn open(database: &Database) -> Result<Self, DatabaseError> {
        let users = watch::Sender::new(Arc::default());
        let suspensions = Self {
            database: database.clone(),
            users,
            looking: Mutex::default(),
        };
        suspensions.look().await?;
        Ok(suspensions)
    }

    pub(super) fn contains(&self, user: Uuid) -> bool {
        self.users.borrow().contains(&user)
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<HashSet<Uuid>>> {
        self.users.subscribe()
    }

    pub(super) async fn look(&self) -> Result<(), DatabaseError> {
        let _alone = self.looking.lock().await;
        let rows = self
            .database
            .rows("SELECT id FROM account WHERE suspended_at IS NOT NULL", &[])
            .await?;
        let found = rows
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<HashSet<Uuid>, _>>()?;
        self.users.send_if_modified(|users| {
            let changed = **users != found;
            if changed {
                *users = Arc::new(found);
            }
            changed
        });
        Ok(())
    }
}
