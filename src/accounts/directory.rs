//! Which users there are, looked up in the accounts and remembered.

use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tidings_domain::UserId;
use tidings_eventlog::Pool;
use uuid::Uuid;

/// Users remembered by a node. Users never go away, so an entry is never wrong.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// The accounts cannot be looked up just now.
#[derive(Debug, Error)]
#[error("users cannot be looked up")]
pub struct DirectoryError;

/// Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    pool: Pool,
    timeout: Duration,
    known: Arc<Mutex<LruCache<UserId, ()>>>,
}

impl Directory {
    pub fn new(pool: &Pool, timeout: Duration) -> Self {
        Self {
            pool: pool.portion(pool.max_size() / 8),
            timeout,
            known: Arc::new(Mutex::new(LruCache::new(REMEMBERED))),
        }
    }

    /// Whether all of `users` exist.
    pub async fn all_known(&self, users: &[UserId]) -> Result<bool, DirectoryError> {
        let mut unknown: Vec<Uuid> = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            users
                .iter()
                .filter(|user| known.get(user).is_none())
                .map(|user| user.0)
                .collect()
        };
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(true);
        }
        let found = tokio::time::timeout(self.timeout, self.look_up(&unknown)).await;
        let found = found.map_err(|_| DirectoryError)??;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for user in &found {
            known.put(UserId(*user), ());
        }
        Ok(found.len() == unknown.len())
    }

    async fn look_up(&self, users: &[Uuid]) -> Result<Vec<Uuid>, DirectoryError> {
        let failed = |error: tokio_postgres::Error| {
            tracing::warn!(%error, "users could not be looked up");
            DirectoryError
        };
        let client = self.pool.get().await.map_err(|_| DirectoryError)?;
        let statement = client
            .prepare_cached("SELECT id FROM account WHERE id = ANY($1) AND announced_at IS NOT NULL")
            .await
            .map_err(failed)?;
        let rows = client.query(&statement, &[&users]).await.map_err(failed)?;
        rows.iter()
            .map(|row| row.try_get(0).map_err(|_| DirectoryError))
            .collect()
    }
}
