//! Which users there are and how many conversations more they may be put into, looked up and remembered.

use super::authenticator::Authenticator;
use crate::lanes::People;
use futures_util::future::BoxFuture;
use lru::LruCache;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_eventlog::Pool;
use tidings_projections::conversation_counts;
use tokio::time::Instant;
use uuid::Uuid;

/// Users remembered by a node.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");
/// How long it is remembered how many conversations somebody is in: other nodes put them into some, too.
const COUNTED: Duration = Duration::from_mins(1);

/// Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    pool: Pool,
    timeout: Duration,
    /// Conversations of one user; 0 is no limit.
    most: u32,
    known: Arc<Mutex<Known>>,
}

struct Known {
    rooms: LruCache<UserId, Room>,
    /// Those whose accounts were deleted of late: a look-up from before that may still be under way.
    gone: HashSet<UserId>,
}

/// How many conversations more somebody may be put into.
#[derive(Clone, Copy)]
struct Room {
    left: u32,
    counted_at: Instant,
}

impl Directory {
    /// `most` is how many conversations a user may be in; 0 is no limit.
    pub fn new(pool: &Pool, timeout: Duration, most: u32) -> Self {
        Self {
            pool: pool.portion(pool.max_size() / 8),
            timeout,
            most,
            known: Arc::new(Mutex::new(Known {
                rooms: LruCache::new(REMEMBERED),
                gone: HashSet::new(),
            })),
        }
    }

    /// Forgets whoever's account is deleted, as soon as this node hears of it.
    pub async fn follow(self, accounts: Authenticator) {
        let mut changes = accounts.changes();
        loop {
            self.forget(accounts.deleted().into_iter().map(UserId).collect());
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn forget(&self, gone: HashSet<UserId>) {
        let mut known = self.known();
        for user in &gone {
            known.rooms.pop(user);
        }
        known.gone = gone;
    }

    /// Those of `users` who exist, with how many conversations more they may be put into; `None` when there is no answer.
    async fn look_up(&self, users: &[Uuid]) -> Option<HashMap<UserId, u32>> {
        let existing = self.existing_of(users).await?;
        if self.most == 0 {
            return Some(
                existing
                    .into_iter()
                    .map(|user| (UserId(user), u32::MAX))
                    .collect(),
            );
        }
        let counts = conversation_counts(&self.pool, &existing, self.most).await;
        let counts = counts
            .map_err(|error| tracing::warn!(%error, "users' conversations could not be counted"))
            .ok()?;
        let left = |user: &Uuid| {
            let count = u32::try_from(counts.get(user).copied().unwrap_or(0)).unwrap_or(u32::MAX);
            self.most.saturating_sub(count)
        };
        Some(existing.iter().map(|user| (UserId(*user), left(user))).collect())
    }

    async fn existing_of(&self, users: &[Uuid]) -> Option<Vec<Uuid>> {
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

    /// Whether somebody may be put into so many conversations more that nobody need look. Whoever has little room is counted each time.
    fn is_enough(&self, room: Room, now: Instant) -> bool {
        self.most == 0 || (room.left > self.most / 10 && now - room.counted_at < COUNTED)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl People for Directory {
    fn remembers(&self, users: &[UserId]) -> Option<HashMap<UserId, u32>> {
        let now = Instant::now();
        let mut known = self.known();
        let enough = |user: &UserId| {
            let room = known.rooms.get(user).filter(|room| self.is_enough(**room, now))?;
            Some((*user, room.left))
        };
        let found: HashMap<UserId, u32> = users.iter().map(enough).collect::<Option<_>>()?;
        for user in found.keys() {
            if let Some(room) = known.rooms.get_mut(user) {
                room.left = room.left.saturating_sub(u32::from(self.most > 0));
            }
        }
        Some(found)
    }

    fn existing(&self, users: Vec<UserId>) -> BoxFuture<'_, Option<HashMap<UserId, u32>>> {
        Box::pin(async move {
            let mut found: HashMap<UserId, u32> = HashMap::with_capacity(users.len());
            let mut unknown: Vec<Uuid> = vec![];
            {
                let (mut known, now) = (self.known(), Instant::now());
                for user in users {
                    match known.rooms.get(&user).filter(|room| self.is_enough(**room, now)) {
                        Some(room) => {
                            found.insert(user, room.left);
                        }
                        None => unknown.push(user.0),
                    }
                }
            }
            if !unknown.is_empty() {
                let counted_at = Instant::now();
                let looked_up = tokio::time::timeout(self.timeout, self.look_up(&unknown)).await;
                let mut known = self.known();
                for (user, left) in looked_up.ok()?? {
                    if known.gone.contains(&user) {
                        continue;
                    }
                    found.insert(user, left);
                    // Whoever asks puts them into one.
                    let left = left.saturating_sub(1);
                    known.rooms.put(user, Room { left, counted_at });
                }
            }
            Some(found)
        })
    }
}
