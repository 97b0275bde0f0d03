//! The newest events of each lane, kept by the process that appended them, so that folding them reads nothing.
//!
//! Only what this process has committed itself belongs here: read models are made from the log, and these are events that
//! the log has confirmed. Whatever is missing is read from the log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_eventlog::{LaneHead, Recorded};

/// Events of a lane that are kept, and their bytes, about: what gathers between two folds under load.
const EVENTS_MAX: usize = 8192;
const BYTES_MAX: usize = 16 << 20;

/// Lanes that a log can have.
const LANES_MAX: usize = 256;

/// Handle to the newest events of all lanes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tail(Arc<[Mutex<Lane>]>);

/// Batches of one time line that follow each other without a gap.
#[derive(Debug, Default)]
struct Lane {
    epoch: u32,
    batches: VecDeque<Arc<Vec<Recorded>>>,
    events: usize,
    bytes: usize,
}

impl Tail {
    pub(crate) fn new() -> Self {
        Self((0..LANES_MAX).map(|_| Mutex::default()).collect())
    }

    /// Keeps a batch that this process has committed.
    pub fn offer(&self, lane: u8, epoch: u32, batch: &Arc<Vec<Recorded>>) {
        if let Some(mut lane) = self.lane(lane) {
            lane.offer(epoch, batch);
        }
    }

    /// How far a lane is known to reach, and on which time line; nothing when nothing was kept.
    pub(crate) fn last(&self, lane: u8) -> Option<LaneHead> {
        let kept = self.lane(lane)?;
        Some(LaneHead {
            lane,
            head: kept.last()?,
            epoch: kept.epoch,
        })
    }

    /// Forgets what was kept of a lane.
    pub(crate) fn forget(&self, lane: u8) {
        if let Some(mut lane) = self.lane(lane) {
            *lane = Lane::default();
        }
    }

    /// The events after `after` and up to `upto` of a time line, all of them or none.
    pub(crate) fn range(&self, lane: u8, epoch: u32, after: u64, upto: u64) -> Option<Vec<Recorded>> {
        let lane = self.lane(lane)?;
        (lane.epoch == epoch).then(|| lane.range(after, upto))?
    }

    fn lane(&self, lane: u8) -> Option<MutexGuard<'_, Lane>> {
        let lane = self.0.get(usize::from(lane))?;
        Some(lane.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Lane {
    fn last(&self) -> Option<u64> {
        self.batches.back()?.last().map(|event| event.pos)
    }

    fn offer(&mut self, epoch: u32, batch: &Arc<Vec<Recorded>>) {
        let Some(first) = batch.first() else { return };
        // Another process has appended in between, or the log has gone back.
        if self.epoch != epoch || self.last().is_some_and(|last| last + 1 != first.pos) {
            *self = Self {
                epoch,
                ..Self::default()
            };
        }
        self.events += batch.len();
        self.bytes += bytes(batch);
        self.batches.push_back(Arc::clone(batch));
        while (self.events > EVENTS_MAX || self.bytes > BYTES_MAX)
            && let Some(oldest) = self.batches.pop_front()
        {
            self.events -= oldest.len();
            self.bytes -= bytes(&oldest);
        }
    }

    fn range(&self, after: u64, upto: u64) -> Option<Vec<Recorded>> {
        let first = self.batches.front()?.first()?.pos;
        if first > after + 1 || self.last()? < upto {
            return None;
        }
        let from = self
            .batches
            .partition_point(|batch| batch.last().is_some_and(|event| event.pos <= after));
        let events = self.batches.range(from..).flat_map(|batch| batch.iter());
        Some(
            events
                .skip_while(|event| event.pos <= after)
                .take_while(|event| event.pos <= upto)
                .cloned()
                .collect(),
        )
    }
}

fn bytes(batch: &[Recorded]) -> usize {
    batch.iter().map(Recorded::bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tidings_eventlog::Standing;
    use uuid::Uuid;

    fn batch(from: u64, to: u64) -> Arc<Vec<Recorded>> {
        let event = |pos| Recorded {
            lane: 0,
            pos,
            stream: Uuid::nil(),
            seq: pos,
            msg_no: 0,
            kind: 16,
            ver: 1,
            control: false,
            actor: Uuid::nil(),
            at: chrono::DateTime::UNIX_EPOCH,
            command: Uuid::nil(),
            idx: 0,
            payload: Bytes::new(),
            standing: Standing::Whole,
        };
        Arc::new((from..=to).map(event).collect())
    }

    fn positions(tail: &Tail, after: u64, upto: u64) -> Option<Vec<u64>> {
        Some(
            tail.range(0, 1, after, upto)?
                .iter()
                .map(|event| event.pos)
                .collect(),
        )
    }

    #[test]
    fn ranges_are_whole_or_not_there() {
        let tail = Tail::new();
        assert_eq!(positions(&tail, 0, 1), None);
        tail.offer(0, 1, &batch(5, 8));
        tail.offer(0, 1, &batch(9, 12));
        assert_eq!(positions(&tail, 4, 12), Some((5..=12).collect()));
        assert_eq!(positions(&tail, 6, 10), Some((7..=10).collect()));
        assert_eq!(positions(&tail, 8, 9), Some(vec![9]));
        assert_eq!(positions(&tail, 3, 8), None);
        assert_eq!(positions(&tail, 9, 13), None);
    }

    #[test]
    fn what_others_appended_in_between_begins_anew() {
        let tail = Tail::new();
        tail.offer(0, 1, &batch(1, 4));
        tail.offer(0, 1, &batch(8, 9));
        assert_eq!(positions(&tail, 0, 4), None);
        assert_eq!(positions(&tail, 7, 9), Some(vec![8, 9]));
    }

    #[test]
    fn another_time_line_begins_anew() {
        let tail = Tail::new();
        tail.offer(0, 1, &batch(1, 4));
        tail.offer(0, 2, &batch(5, 6));
        assert_eq!(positions(&tail, 0, 4), None);
        assert!(tail.range(0, 2, 4, 6).is_some() && tail.range(0, 1, 4, 6).is_none());
    }

    #[test]
    fn it_stays_small_in_bytes() {
        let tail = Tail::new();
        for pos in 1..10 {
            let mut events = batch(pos, pos).as_ref().clone();
            events[0].payload = Bytes::from(vec![b' '; BYTES_MAX / 4]);
            tail.offer(0, 1, &Arc::new(events));
        }
        assert!(tail.range(0, 1, 5, 9).is_none() && tail.range(0, 1, 6, 9).is_some());
    }

    #[test]
    fn it_stays_small() {
        let tail = Tail::new();
        for number in 0..100_u64 {
            tail.offer(0, 1, &batch(number * 1000 + 1, (number + 1) * 1000));
        }
        assert_eq!(positions(&tail, 0, 10), None);
        assert_eq!(
            positions(&tail, 99_000, 100_000).map(|found| found.len()),
            Some(1000)
        );
    }
}
