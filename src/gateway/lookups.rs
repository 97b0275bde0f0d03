//! What a connection that comes back has to look up.

use super::together::{Together, each};
use crate::lifecycle::Lifecycle;
use std::sync::Arc;
use tidings_eventlog::{LaneHead, Log, ReadError, Recorded, Slice, StreamHead};
use tidings_projections::Memberships;
use uuid::Uuid;

/// Connections that share a reading of the lanes' heads.
const CONNECTIONS: usize = 1_024;
/// Users that are looked up at once.
const USERS: usize = 64;
/// Conversations whose heads are read at once: so many are an answer within any time-out, and whoever has more comes again for
/// the rest, behind those who wait already.
pub(super) const STREAMS: usize = 1_000;
/// Pages of missed events that are read at once.
const PAGES: usize = 16;

/// A stream, and the first and last seq wanted of it.
pub(super) type Range = (Uuid, u64, u64);

/// Look-ups that connections share.
pub struct Lookups {
    lanes: Together<(), Arc<[LaneHead]>>,
    memberships: Together<Uuid, Memberships>,
    heads: Together<Vec<Uuid>, Vec<Option<StreamHead>>>,
    slices: Together<Slice, Vec<Recorded>>,
}

impl Lookups {
    /// Starts the readers, which end with the node.
    pub fn start(lifecycle: &Lifecycle, log: &Log) -> Self {
        let of = Arc::new(log.clone());
        let lanes = Together::start(lifecycle, "lanes", each(CONNECTIONS), move |questions: Vec<()>| {
            let log = Arc::clone(&of);
            Box::pin(async move {
                let heads: Arc<[LaneHead]> = log.heads().await?.into();
                Ok(vec![heads; questions.len()])
            })
        });
        let pool = log.pool().clone();
        let memberships = Together::start(lifecycle, "memberships", each(USERS), move |users: Vec<Uuid>| {
            let pool = pool.clone();
            Box::pin(async move {
                // All connections of a user may come at once.
                let mut different = users.clone();
                different.sort_unstable();
                different.dedup();
                let found = tidings_projections::memberships(&pool, &different).await;
                let found = found.map_err(|error| ReadError::Database(error.to_string()))?;
                let of = |user: &Uuid| found.get(different.binary_search(user).ok()?).cloned();
                let of_each: Option<Vec<_>> = users.iter().map(of).collect();
                of_each.ok_or_else(|| ReadError::Database("somebody's memberships are missing".to_owned()))
            })
        });
        let of = Arc::new(log.clone());
        let weigh: fn(&Vec<Uuid>) -> usize = |streams| streams.len().max(1);
        let heads = Together::start(
            lifecycle,
            "heads",
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
        let slices = Together::start(lifecycle, "slices", each(PAGES), move |pages: Vec<Slice>| {
            let log = Arc::clone(&of);
            Box::pin(async move { log.slices(&pages).await })
        });
        Self {
            lanes,
            memberships,
            heads,
            slices,
        }
    }

    /// Heads of all lanes, no older than the call.
    pub(super) async fn lanes(&self) -> Result<Arc<[LaneHead]>, ReadError> {
        self.lanes.ask(()).await
    }

    /// All memberships of a user, current and former, and what vouches for them.
    pub(super) async fn memberships(&self, user: Uuid) -> Result<Memberships, ReadError> {
        self.memberships.ask(user).await
    }

    /// Heads of streams, in their order; no more than [`STREAMS`] at once.
    pub(super) async fn heads(&self, streams: Vec<Uuid>) -> Result<Vec<Option<StreamHead>>, ReadError> {
        self.heads.ask(streams).await
    }

    /// The first events of a page, range by range, each in order, as many as fit into its bytes.
    pub(super) async fn slice(&self, page: Slice) -> Result<Vec<Recorded>, ReadError> {
        self.slices.ask(page).await
    }
}
