//! Control events on their way from the hub, which sees those of all nodes, to the lanes, which fold them into the states that they keep.
//! Made before both, so that neither has to know the other.

use crate::by_lane::ByLane;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tidings_eventlog::Recorded;
use uuid::Uuid;

/// What every lane has been told and has not taken. Cheap to clone.
#[derive(Clone, Default)]
pub struct Controls(Arc<ByLane<Arc<Told>>>);

impl Controls {
    /// What a lane is told.
    pub fn of(&self, lane: u8) -> Arc<Told> {
        self.0.add(lane, Arc::default());
        self.0.get(lane).cloned().unwrap_or_default()
    }

    /// Tells a lane of a control event in the time line `epoch`, perhaps by another node. To be called for each of them, in the order
    /// of the lane.
    pub fn push(&self, epoch: u32, recorded: &Recorded) {
        if let Some(lane) = self.0.get(recorded.lane) {
            lane.push(epoch, recorded);
        }
    }
}

/// What one lane is told; its task takes that before it decides.
#[derive(Default)]
pub struct Told(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    news: News,
    bytes: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Each with its time line, in the order of the lane.
    pub events: Vec<(u32, Recorded)>,
    /// Streams of which some are left out, for there was no room, with the seq of each one's newest.
    pub streams: HashMap<Uuid, u64>,
    /// Some of more streams than are kept one by one are left out.
    pub all: bool,
}

impl Told {
    /// Events that wait. A node that is sent no command of a lane does not take them.
    const EVENTS: usize = 4096;
    /// Bytes of those.
    const BYTES: usize = 1 << 20;
    /// Streams of which some are left out.
    const STREAMS: usize = 10_000;

    fn push(&self, epoch: u32, recorded: &Recorded) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { news, bytes } = &mut *waiting;
        if news.all {
            return;
        }
        if let Some(newest) = news.streams.get_mut(&recorded.stream) {
            *newest = recorded.seq;
        } else if news.events.len() < Self::EVENTS && *bytes + recorded.bytes() <= Self::BYTES {
            *bytes += recorded.bytes();
            // Otherwise it would keep all of what it came with, messages included.
            let payload = Bytes::copy_from_slice(&recorded.payload);
            let recorded = Recorded {
                payload,
                ..recorded.clone()
            };
            news.events.push((epoch, recorded));
        } else if news.streams.len() < Self::STREAMS {
            news.streams.insert(recorded.stream, recorded.seq);
        } else {
            *waiting = Waiting {
                news: News {
                    all: true,
                    ..News::default()
                },
                bytes: 0,
            };
        }
    }

    pub fn drain(&self) -> News {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use tidings_eventlog::Standing;

    fn control(stream: u128, seq: u64, payload: usize) -> Recorded {
        let stream = Uuid::from_u128(stream);
        Recorded {
            lane: stream.as_bytes()[15],
            pos: seq,
            stream,
            seq,
            msg_no: 0,
            kind: 6,
            ver: 1,
            control: true,
            actor: Uuid::nil(),
            at: DateTime::UNIX_EPOCH,
            command: Uuid::nil(),
            idx: 0,
            payload: Bytes::from(vec![b' '; payload]),
            standing: Standing::Whole,
        }
    }

    #[test]
    fn what_nobody_takes_keeps_nothing_of_what_it_came_with() {
        let told = Told::default();
        let entry = Bytes::from(vec![b' '; 1 << 20]);
        let payload = entry.slice(..10);
        told.push(
            1,
            &Recorded {
                payload,
                ..control(1, 1, 0)
            },
        );
        assert!(entry.is_unique());
    }

    #[test]
    fn what_nobody_takes_is_bounded_and_nothing_of_it_is_lost() {
        let told = Told::default();
        let one = control(1, 7, 0);
        told.push(3, &one);
        assert_eq!(told.drain().events, [(3, one)]);
        for seq in 1..=Told::EVENTS as u64 {
            told.push(1, &control(1, seq, 0));
        }
        told.push(1, &control(2, 8, 0));
        told.push(1, &control(2, 9, 0));
        let most = told.drain();
        assert_eq!((most.events.len(), most.all), (Told::EVENTS, false));
        assert_eq!(most.streams, HashMap::from([(Uuid::from_u128(2), 9)]));
        assert_eq!(told.drain(), News::default());
    }

    #[test]
    fn what_is_large_or_of_many_streams_is_said_without_the_events() {
        let told = Told::default();
        told.push(1, &control(1, 1, Told::BYTES));
        let large = told.drain();
        assert_eq!((large.events.len(), large.streams.len()), (0, 1));
        for n in 0..=Told::STREAMS as u128 {
            told.push(1, &control(n, 1, Told::BYTES));
        }
        let most = told.drain();
        assert_eq!((most.streams.capacity(), most.all), (0, true));
        assert_eq!(told.drain(), News::default());
    }

    #[test]
    fn a_lane_is_told_of_its_own_streams() {
        let controls = Controls::default();
        let (one, two) = (controls.of(1), controls.of(2));
        controls.push(1, &control(0x0701, 4, 0));
        // Of a lane that nobody takes anything of.
        controls.push(1, &control(3, 4, 0));
        assert!(two.drain().events.is_empty());
        assert_eq!(controls.of(1).drain().events.len() + one.drain().events.len(), 1);
    }
}
