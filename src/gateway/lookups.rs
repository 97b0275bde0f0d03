//! What a connection that comes back has to look up.

use super::together::Together;
use crate::lifecycle::Lifecycle;
use std::sync::Arc;
use tidings_eventlog::{LaneHead, Log, ReadError, Recorded, StreamHead};
use tidings_projections::Membership;
use uuid::Uuid;

/// Connections that share a reading of the lanes' heads.
const CONNECTIONS: usize = 1_024;
/// Users, or users' conversations, that are looked up at once.
const USERS: usize = 64;
/// Pages of missed events that are read at once.
const PAGES: usize = 16;

/// A stream, and the first and last seq wanted of it.
pub(super) type Range = (Uuid, u64, u64);

/// Look-ups that connections share.
pub struct Lookups {
    lanes: Together<(), Arc<[LaneHead]>>,
    memberships: Together<Uuid, Vec<Membership>>,
    heads: Together<Vec<Uuid>, Vec<Option<StreamHead>>>,
    ranges: Together<Vec<Range>, Vec<Recorded>>,
}

impl Lookups {
    /// Starts the readers, which end with the node.
    pub fn start(lifecycle: &Lifecycle, log: &Log) -> Self {
        let of = Arc::new(log.clone());
        let lanes = Together::start(lifecycle, "lanes", CONNECTIONS, move |questions: Vec<()>| {
            let log = Arc::clone(&of);
            Box::pin(async move {
                let heads: Arc<[LaneHead]> = log.heads().await?.into();
                Ok(vec![heads; questions.len()])
            })
        });
        let pool = log.pool().clone();
        let memberships = Together::start(lifecycle, "memberships", USERS, move |users: Vec<Uuid>| {
            let pool = pool.clone();
            Box::pin(async move {
                let found = tidings_projections::memberships(&pool, &users).await;
                found.map_err(|error| ReadError::Database(error.to_string()))
            })
        });
        let of = Arc::new(log.clone());
        let heads = Together::start(lifecycle, "heads", USERS, move |questions: Vec<Vec<Uuid>>| {
            let log = Arc::clone(&of);
            Box::pin(async move {
                let mut found = log.stream_heads(&questions.concat()).await?.into_iter();
                let of_each = questions
                    .iter()
                    .map(|streams| found.by_ref().take(streams.len()).collect());
                Ok(of_each.collect())
            })
        });
        let of = Arc::new(log.clone());
        let ranges = Together::start(lifecycle, "ranges", PAGES, move |pages: Vec<Vec<Range>>| {
            let log = Arc::clone(&of);
            Box::pin(async move {
                let found = log.ranges(&pages.concat()).await?;
                Ok(split(&pages, found))
            })
        });
        Self {
            lanes,
            memberships,
            heads,
            ranges,
        }
    }

    /// Heads of all lanes, no older than the call.
    pub(super) async fn lanes(&self) -> Result<Arc<[LaneHead]>, ReadError> {
        self.lanes.ask(()).await
    }

    /// All memberships of a user, current and former.
    pub(super) async fn memberships(&self, user: Uuid) -> Result<Vec<Membership>, ReadError> {
        self.memberships.ask(user).await
    }

    /// Heads of streams, in their order.
    pub(super) async fn heads(&self, streams: Vec<Uuid>) -> Result<Vec<Option<StreamHead>>, ReadError> {
        self.heads.ask(streams).await
    }

    /// The events of a page, range by range, each in order.
    pub(super) async fn ranges(&self, page: Vec<Range>) -> Result<Vec<Recorded>, ReadError> {
        self.ranges.ask(page).await
    }
}

/// Gives each page its events, which come in the order of the pages' ranges.
fn split(pages: &[Vec<Range>], found: Vec<Recorded>) -> Vec<Vec<Recorded>> {
    let mut found = found.into_iter().peekable();
    let mut of_each = Vec::with_capacity(pages.len());
    for page in pages {
        let mut events = vec![];
        for (stream, from, to) in page {
            let mut next = *from;
            while let Some(event) =
                found.next_if(|event| event.stream == *stream && event.seq >= next && event.seq <= *to)
            {
                next = event.seq + 1;
                events.push(event);
            }
        }
        of_each.push(events);
    }
    of_each
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use chrono::DateTime;

    fn event(stream: u128, seq: u64) -> Recorded {
        Recorded {
            lane: 0,
            pos: seq,
            stream: Uuid::from_u128(stream),
            seq,
            msg_no: seq,
            kind: 16,
            ver: 1,
            control: false,
            actor: Uuid::nil(),
            at: DateTime::UNIX_EPOCH,
            command: Uuid::nil(),
            idx: 0,
            payload: Bytes::new(),
        }
    }

    #[test]
    fn every_page_gets_its_own_events_also_where_pages_want_the_same() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let pages = [
            vec![(a, 1, 2), (b, 5, 5)],
            vec![],
            vec![(b, 4, 9)],
            vec![(b, 4, 6), (a, 2, 2)],
        ];
        // The stream `b` ends at 6.
        let wanted = [
            vec![(1, 1), (1, 2), (2, 5)],
            vec![],
            vec![(2, 4), (2, 5), (2, 6)],
            vec![(2, 4), (2, 5), (2, 6), (1, 2)],
        ];
        let found = wanted.iter().flatten().map(|(stream, seq)| event(*stream, *seq));
        let of_each = split(&pages, found.collect());
        let got: Vec<Vec<(u128, u64)>> = of_each
            .iter()
            .map(|events| {
                events
                    .iter()
                    .map(|event| (event.stream.as_u128(), event.seq))
                    .collect()
            })
            .collect();
        assert_eq!(got, wanted);
    }
}
