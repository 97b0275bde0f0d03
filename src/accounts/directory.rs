//! Which users there are, looked up in the accounts and remembered.

use crate::lanes::People;
use futures_util::future::BoxFuture;
use lru::LruCache;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_eventlog::Pool;
use uuid::Uuid;

/// Users remembered by a node. Users never go away, so an entry is never wrong.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

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

    /// Those of `users` who exist; `None` when the accounts do not answer.
    async fn look_up(&self, users: &[Uuid]) -> Option<Vec<Uuid>> {
        let warn = |error: tokio_postgres::Error| tracing::warn!(%error, "users could not be looked up");
        let client = self.pool.get().await.ok()?;
        let statement = client
            .prepare_cached(include_str!("sql/account_announced.sql"))
            .await
            .map_err(warn)
            .ok()?;
        let rows = client.query(&statement, &[&users]).await.map_err(warn).ok()?;
        rows.iter().map(|row| row.try_get(0).ok()).collect()
    }

    fn known(&self) -> MutexGuard<'_, LruCache<UserId, ()>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl People for Directory {
    fn remembers(&self, users: &[UserId]) -> bool {
        let mut known = self.known();
        users.iter().all(|user| known.get(user).is_some())
    }

    fn existing(&self, users: Vec<UserId>) -> BoxFuture<'_, Option<HashSet<UserId>>> {
        Box::pin(async move {
            let mut found: HashSet<UserId> = HashSet::with_capacity(users.len());
            let mut unknown: Vec<Uuid> = vec![];
            {
                let mut known = self.known();
                for user in users {
                    if known.get(&user).is_some() {
                        found.insert(user);
                    } else {
                        unknown.push(user.0);
                    }
                }
            }
            if !unknown.is_empty() {
                let looked_up = tokio::time::timeout(self.timeout, self.look_up(&unknown)).await;
                let mut known = self.known();
                for user in looked_up.ok()??.into_iter().map(UserId) {
                    known.put(user, ());
                    found.insert(user);
                }
            }
            Some(found)
        })
    }
}
