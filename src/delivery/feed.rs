//! Puts ranges of a lane in order: drops what was seen, keeps what came too early, tells what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_eventlog::Recorded;

/// Ranges that may wait for an earlier one, and their bytes. More than that, and they are read from the log again.
const EARLY_MAX: usize = 256;
const EARLY_BYTES_MAX: usize = 16 << 20;

type Range = Arc<Vec<Recorded>>;

/// The order of one lane.
pub(super) struct Feed {
    next: u64,
    early: BTreeMap<u64, Range>,
    /// Bytes of those.
    early_bytes: usize,
}

impl Feed {
    pub(super) fn new(head: u64) -> Self {
        Self {
            next: head + 1,
            early: BTreeMap::new(),
            early_bytes: 0,
        }
    }

    /// The position that comes next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes a range in; answers the ranges that are in order now, each with the index from which it is new.
    pub(super) fn offer(&mut self, batch: Range) -> Vec<(Range, usize)> {
        let Some(first) = batch.first().map(|event| event.pos) else {
            return vec![];
        };
        if first > self.next {
            self.keep(first, batch);
            return vec![];
        }
        let mut ready = vec![];
        self.accept(batch, &mut ready);
        while let Some(entry) = self.early.first_entry() {
            if *entry.key() > self.next {
                break;
            }
            let batch = entry.remove();
            self.early_bytes -= bytes(&batch);
            self.accept(batch, &mut ready);
        }
        ready
    }

    /// Keeps a range that came too early, where there is room.
    fn keep(&mut self, first: u64, batch: Range) {
        let more = bytes(&batch);
        if self.early.len() < EARLY_MAX && self.early_bytes + more <= EARLY_BYTES_MAX {
            self.early_bytes += more;
            if let Some(same) = self.early.insert(first, batch) {
                self.early_bytes -= bytes(&same);
            }
        }
    }

    /// The range that must be read from the log before the waiting ones can go on.
    pub(super) fn hole(&self) -> Option<(u64, u64)> {
        self.early
            .first_key_value()
            .map(|(first, _)| (self.next, first - 1))
    }

    fn accept(&mut self, batch: Range, ready: &mut Vec<(Range, usize)>) {
        let Some(last) = batch.last().map(|event| event.pos) else {
            return;
        };
        if last < self.next {
            return;
        }
        let new_from = batch.partition_point(|event: &Recorded| event.pos < self.next);
        self.next = last + 1;
        ready.push((batch, new_from));
    }
}

fn bytes(range: &Range) -> usize {
    range.iter().map(Recorded::bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tidings_eventlog::Standing;
    use uuid::Uuid;

    fn range(from: u64, to: u64) -> Range {
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

    fn positions(ready: &[(Range, usize)]) -> Vec<u64> {
        ready
            .iter()
            .flat_map(|(batch, from)| batch[*from..].iter().map(|event| event.pos))
            .collect()
    }

    #[test]
    fn ranges_in_any_order_come_out_once_and_in_order() {
        let mut feed = Feed::new(10);
        assert!(feed.offer(range(13, 14)).is_empty());
        assert_eq!(feed.hole(), Some((11, 12)));
        assert_eq!(positions(&feed.offer(range(11, 12))), [11, 12, 13, 14]);
        assert_eq!(feed.hole(), None);
        assert!(feed.offer(range(12, 14)).is_empty());
        assert_eq!(positions(&feed.offer(range(13, 16))), [15, 16]);
        assert!(feed.offer(range(20, 22)).is_empty());
        assert!(feed.offer(range(18, 19)).is_empty());
        assert_eq!(positions(&feed.offer(range(17, 20))), [17, 18, 19, 20, 21, 22]);
        assert_eq!(feed.next(), 23);
    }

    #[test]
    fn what_came_too_early_is_bounded_in_bytes() {
        let mut feed = Feed::new(0);
        let heavy = |pos| {
            let mut events = range(pos, pos).as_ref().clone();
            events[0].payload = Bytes::from(vec![b' '; EARLY_BYTES_MAX / 4]);
            Arc::new(events)
        };
        for pos in 2..20 {
            feed.offer(heavy(pos));
            feed.offer(heavy(pos));
        }
        assert!(feed.early_bytes <= EARLY_BYTES_MAX && feed.early.len() == 3);
        // What found no room is read from the log, and the count comes out even.
        assert_eq!(positions(&feed.offer(range(1, 1))), [1, 2, 3, 4]);
        assert_eq!((feed.early_bytes, feed.next()), (0, 5));
    }

    #[test]
    fn what_came_too_early_is_bounded_in_number() {
        let mut feed = Feed::new(0);
        for pos in (2..).step_by(2).take(EARLY_MAX + 10) {
            feed.offer(range(pos, pos));
        }
        assert_eq!(feed.early.len(), EARLY_MAX);
        assert_eq!(
            feed.early.last_key_value().map(|(first, _)| *first),
            Some(2 * EARLY_MAX as u64)
        );
        assert_eq!(feed.hole(), Some((1, 1)));
    }

    proptest! {
        #[test]
        fn whatever_ranges_come_each_event_comes_out_once_in_order_without_a_hole(
            head in 0_u64..20,
            offers in vec((1_u64..60, 0_u64..8), 0..60),
        ) {
            let mut feed = Feed::new(head);
            let mut got = vec![];
            for (from, more) in offers {
                got.extend(positions(&feed.offer(range(from, from + more))));
            }
            // What is missing is read from the log.
            while let Some((from, to)) = feed.hole() {
                prop_assert_eq!(from, feed.next());
                got.extend(positions(&feed.offer(range(from, to))));
            }
            prop_assert_eq!(&got, &(head + 1..feed.next()).collect::<Vec<_>>());
            prop_assert_eq!(feed.early_bytes, 0);
        }
    }
}
