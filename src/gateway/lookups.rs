//! What a connection that comes back has to look up.

use super::together::{READERS, Together, each};
use crate::lifecycle::Lifecycle;
use futures_util::future::BoxFuture;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_eventlog::{
    LaneHead, Log, NoticeRange, NoticesFound, Pool, ReadError, Recorded, Slice, StreamHead,
};
use tidings_projections::{Memberships, ProjectionError};
use uuid::Uuid;

/// Connections that share a reading of the lanes' heads.
const CONNECTIONS: usize = 1_024;
/// Users that are looked up at once.
const USERS: usize = 64;
/// Whoever was in more conversations when they were last read is read apart, so that only their like wait for them; and so is whoever could
/// not be read in time.
const MANY: usize = 2_000;
/// Users who are in many that are looked up at once, which is within any time-out.
const OF_MANY: usize = 8;
/// Users of whom is known that they are in many.
const USERS_OF_MANY: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is above zero");
/// Conversations whose heads are read at once: so many are an answer within any time-out, and whoever has more comes again for
/// the rest, behind those who wait already.
pub(super) const STREAMS: usize = 1_000;
/// Users whose notices are looked for at once.
const OWN_STREAMS: usize = 64;
/// Pages of missed events that are read at once.
const PAGES: usize = 16;

/// A stream, and the first and last seq wanted of it.
pub(super) type Range = (Uuid, u64, u64);

/// Who was in many conversations when they were last read, or could not be read in time, which may be why.
#[derive(Clone)]
struct OfMany(Arc<Mutex<LruCache<Uuid, ()>>>);

/// Look-ups that connections share.
pub struct Lookups {
    lanes: Together<(), Arc<[LaneHead]>>,
    memberships: Together<Uuid, Memberships>,
    /// The same for users who are in many conversations.
    memberships_of_many: Together<Uuid, Memberships>,
    of_many: OfMany,
    heads: Together<Vec<Uuid>, Vec<Option<StreamHead>>>,
    slices: Together<Slice, Vec<Recorded>>,
    notices: Together<(NoticeRange, u64), Option<NoticesFound>>,
}

impl Lookups {
    /// Starts the readers, which end with the node. Memberships are read over sessions of their own.
    pub fn start(lifecycle: &Lifecycle, log: &Log, memberships: &Pool) -> Self {
        let of = Arc::new(log.clone());
        let lanes = Together::start(
            lifecycle,
            "lanes",
            READERS,
            each(CONNECTIONS),
            move |questions: Vec<()>| {
                let log = Arc::clone(&of);
                Box::pin(async move {
                    let heads: Arc<[LaneHead]> = log.heads().await?.into();
                    Ok(vec![heads; questions.len()])
                })
            },
        );
        let of_many = OfMany(Arc::new(Mutex::new(LruCache::new(USERS_OF_MANY))));
        let (pool, noted) = (memberships.clone(), of_many.clone());
        let read = move |users: Vec<Uuid>| -> BoxFuture<'static, Result<Vec<Memberships>, ReadError>> {
            Box::pin(memberships_of_each(pool.clone(), users, noted.clone()))
        };
        let memberships = Together::start(lifecycle, "memberships", READERS, each(USERS), read.clone());
        let memberships_of_many = Together::start(lifecycle, "memberships of many", 1, each(OF_MANY), read);
        let of = Arc::new(log.clone());
        let weigh: fn(&Vec<Uuid>) -> usize = |streams| streams.len().max(1);
        let heads = Together::start(
            lifecycle,
            "heads",
            READERS,
            (STREAMS, weigh),
            move |questions: Vec<Vec<Uuid>>| {
                let log = Arc::clone(&of);
                Box::pin(async move {
                    let mut found = log.stream_heads(&questions.concat()).await?.into_iter();
                    let of_each = questions
                        .iter()
                        .map(|streams| found.by_ref().take(streams.len()).collect());
                    Ok(of_each.collect())
                })
            },
        );
        let of = Arc::new(log.clone());
        let slices = Together::start(
            lifecycle,
            "slices",
            READERS,
            each(PAGES),
            move |pages: Vec<Slice>| {
                let log = Arc::clone(&of);
                Box::pin(async move { log.slices(&pages).await })
            },
        );
        let of = Arc::new(log.clone());
        let notices = Together::start(
            lifecycle,
            "notices",
            READERS,
            each(OWN_STREAMS),
            move |questions: Vec<(NoticeRange, u64)>| {
                let log = Arc::clone(&of);
                Box::pin(async move {
                    let (ranges, most): (Vec<NoticeRange>, Vec<u64>) = questions.into_iter().unzip();
                    log.find_notices(&ranges, &most).await
                })
            },
        );
        Self {
            lanes,
            memberships,
            memberships_of_many,
            of_many,
            heads,
            slices,
            notices,
        }
    }

    /// Heads of all lanes, no older than the call.
    pub(super) async fn lanes(&self) -> Result<Arc<[LaneHead]>, ReadError> {
        self.lanes.ask(()).await
    }

    /// All memberships of a user, current and former, and what vouches for them.
    pub(super) async fn memberships(&self, user: Uuid) -> Result<Memberships, ReadError> {
        let was_in_many = self.of_many.has(user);
        let memberships = if was_in_many {
            self.memberships_of_many.ask(user).await?
        } else {
            self.memberships.ask(user).await?
        };
        if memberships.of_user.len() > MANY {
            self.of_many.note(user);
        } else if was_in_many {
            self.of_many.forget(user);
        }
        Ok(memberships)
    }

    /// Heads of streams, in their order; no more than [`STREAMS`] at once.
    pub(super) async fn heads(&self, streams: Vec<Uuid>) -> Result<Vec<Option<StreamHead>>, ReadError> {
        self.heads.ask(streams).await
    }

    /// Whether there are notices in a range, and how far the newest `most` of them reach back.
    pub(super) async fn notices(
        &self,
        range: NoticeRange,
        most: u64,
    ) -> Result<Option<NoticesFound>, ReadError> {
        self.notices.ask((range, most)).await
    }

    /// The first events of a page, range by range, each in order, as many as fit into its bytes.
    pub(super) async fn slice(&self, page: Slice) -> Result<Vec<Recorded>, ReadError> {
        self.slices.ask(page).await
    }
}

impl OfMany {
    fn has(&self, user: Uuid) -> bool {
        self.users().get(&user).is_some()
    }

    fn note(&self, user: Uuid) {
        self.users().put(user, ());
    }

    fn forget(&self, user: Uuid) {
        self.users().pop(&user);
    }

    fn users(&self) -> MutexGuard<'_, LruCache<Uuid, ()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memberships of each of these users; all connections of a user may come at once. One who is read alone and not in time is noted.
async fn memberships_of_each(
    pool: Pool,
    users: Vec<Uuid>,
    of_many: OfMany,
) -> Result<Vec<Memberships>, ReadError> {
    let mut different = users.clone();
    different.sort_unstable();
    different.dedup();
    let found = tidings_projections::memberships(&pool, &different).await;
    if let (Err(ProjectionError::Timeout(_)), [user]) = (&found, &different[..]) {
        of_many.note(*user);
    }
    let found = found.map_err(|error| ReadError::Database(error.to_string()))?;
    let of = |user: &Uuid| found.get(different.binary_search(user).ok()?).cloned();
    let of_each: Option<Vec<_>> = users.iter().map(of).collect();
    of_each.ok_or_else(|| ReadError::Database("somebody's memberships are missing".to_owned()))
}
