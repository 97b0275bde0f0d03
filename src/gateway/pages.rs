//! Ranges of the log on their way to a client, a page at a time: no connection holds more of them than one page, and the answers that it has
//! asked for.

use super::lookups::Range;
use super::writer::{Stop, Writer};
use crate::wire::{Frame, gap, shown};
use std::collections::VecDeque;
use std::sync::Arc;
use tidings_eventlog::{Recorded, Slice};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Events of one page.
const EVENTS: u64 = 500;
/// Gaps that are told in one write.
const GAPS: usize = 500;
/// What a page may hold when the node has no room left: about one event, so that everybody goes on.
const SMALL: u64 = 4 << 10;
/// The unit in which room is counted, in bytes.
const UNIT: usize = 1 << 10;

/// Room for all pages of a node that clients have not taken yet. Where there is none left, pages are small.
pub struct PageRoom {
    units: Arc<Semaphore>,
    all: usize,
    page: u32,
}

/// A page's part of the room, given back when dropped.
pub(super) struct Share {
    bytes: u64,
    permit: Option<OwnedSemaphorePermit>,
}

impl PageRoom {
    /// `page` and `node` are the bytes of one page and of all.
    pub fn new(page: usize, node: usize) -> Self {
        let units = (node / UNIT).min(Semaphore::MAX_PERMITS);
        Self {
            units: Arc::new(Semaphore::new(units)),
            all: units,
            page: u32::try_from(page / UNIT).unwrap_or(u32::MAX),
        }
    }

    /// Bytes that pages hold, those aside that found no room.
    pub fn held(&self) -> usize {
        (self.all - self.units.available_permits()) * UNIT
    }

    /// The same for what is asked for beside a catch-up, which leaves half of the room to those.
    pub(super) fn share_beside(&self) -> Share {
        self.share_leaving(self.all / 2)
    }

    pub(super) fn share(&self) -> Share {
        self.share_leaving(0)
    }

    /// A page's part, where at least so many units are free.
    fn share_leaving(&self, units: usize) -> Share {
        let has_room = self.units.available_permits() >= units;
        let take = || Arc::clone(&self.units).try_acquire_many_owned(self.page).ok();
        let permit = has_room.then(take).flatten();
        if permit.is_none() {
            metrics::counter!("tidings_small_pages_total").increment(1);
        }
        Share {
            bytes: permit
                .as_ref()
                .map_or(SMALL, |_| u64::from(self.page) * UNIT as u64),
            permit,
        }
    }
}

impl Share {
    /// How many bytes the page may hold.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What a page of `bytes` holds of it; the rest is given back.
    pub(super) fn shrunk(self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let mut permit = self.permit?;
        let surplus = permit.num_permits().saturating_sub(bytes.div_ceil(UNIT));
        drop(permit.split(surplus));
        Some(permit)
    }
}

impl Writer {
    /// Writes ranges of streams from the log, a page at a time.
    pub(super) async fn write_ranges(&mut self, ranges: Vec<Range>) -> Result<(), Stop> {
        let gateway = Arc::clone(&self.gateway);
        let mut left = VecDeque::from(ranges);
        while !left.is_empty() {
            let share = gateway.page_room.share();
            let page = Slice {
                ranges: page(&left),
                bytes: share.bytes,
            };
            let events = self.patiently(|| gateway.lookups.slice(page.clone())).await?;
            advance(&mut left, &page.ranges, events.last());
            let mut frames = Vec::with_capacity(events.len());
            for recorded in events {
                self.admit_recorded(&recorded, &mut frames).await?;
            }
            self.write(&frames).await?;
            self.written();
            drop(frames);
            drop(share);
            self.write_system().await?;
            self.keep_up().await?;
            self.check_admission()?;
        }
        Ok(())
    }

    /// Takes in an event from the log, or says that there is one which cannot be shown.
    async fn admit_recorded(&mut self, recorded: &Recorded, frames: &mut Vec<Frame>) -> Result<(), Stop> {
        let event = shown(recorded);
        if event.edits.is_some() {
            Box::pin(self.look(&event, frames)).await?;
        }
        self.admit_place(&event);
        frames.push(self.in_view(event));
        Ok(())
    }

    /// Says that events are not sent; many at a time, for somebody with many conversations lacks something in each.
    pub(super) async fn say_gaps(&mut self, ranges: &[Range]) -> Result<(), Stop> {
        for some in ranges.chunks(GAPS) {
            metrics::counter!("tidings_gaps_total", "reason" => "limit").increment(some.len() as u64);
            let frames: Vec<Frame> = some
                .iter()
                .map(|(conversation, from, to)| gap(*conversation, *from, *to))
                .collect();
            self.write(&frames).await?;
            self.write_system().await?;
            self.keep_up().await?;
        }
        Ok(())
    }
}

/// The ranges of the next page, about [`EVENTS`] events.
fn page(left: &VecDeque<Range>) -> Vec<Range> {
    let mut page = vec![];
    let mut room = EVENTS;
    for (conversation, from, to) in left {
        if room == 0 {
            break;
        }
        let count = (to - from + 1).min(room);
        page.push((*conversation, *from, from + count - 1));
        room -= count;
    }
    page
}

/// Takes what a page has brought off what is left; `last` is its last event. A page that brought nothing is done with: the
/// log does not have what it was to hold.
fn advance(left: &mut VecDeque<Range>, page: &[Range], last: Option<&Recorded>) {
    let end = last.and_then(|last| {
        let of = |(stream, from, to): &Range| *stream == last.stream && (*from..=*to).contains(&last.seq);
        page.iter().rposition(of).map(|index| (index, last.seq))
    });
    let (ranges, seq) = end.unwrap_or((page.len() - 1, page.last().map_or(0, |(.., to)| *to)));
    left.drain(..ranges);
    if let Some((_, from, to)) = left.front_mut() {
        if seq >= *to {
            left.pop_front();
        } else {
            *from = seq + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use chrono::DateTime;
    use tidings_eventlog::Standing;
    use uuid::Uuid;

    fn event(stream: Uuid, seq: u64) -> Recorded {
        Recorded {
            lane: 0,
            pos: seq,
            stream,
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
            standing: Standing::Whole,
        }
    }

    #[test]
    fn pages_of_any_size_bring_every_event_once_and_in_order() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let wanted = vec![(a, 1, 700), (b, 5, 5), (a, 701, 1000)];
        for most in [1, 3, 499, 500, 501] {
            let mut left = VecDeque::from(wanted.clone());
            let mut got = vec![];
            while !left.is_empty() {
                let page = page(&left);
                let all = page
                    .iter()
                    .flat_map(|(stream, from, to)| (*from..=*to).map(|seq| (*stream, seq)));
                let brought: Vec<_> = all.take(most).collect();
                assert!(brought.len() <= 500);
                let last = brought.last().map(|(stream, seq)| event(*stream, *seq));
                advance(&mut left, &page, last.as_ref());
                got.extend(brought);
            }
            let all = wanted
                .iter()
                .flat_map(|(stream, from, to)| (*from..=*to).map(|seq| (*stream, seq)));
            assert_eq!(got, all.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_the_log_does_not_have_is_not_asked_for_again() {
        let a = Uuid::from_u128(1);
        let mut left = VecDeque::from(vec![(a, 1, 700)]);
        let page = page(&left);
        advance(&mut left, &page, None);
        assert_eq!(left, [(a, 501, 700)]);
    }

    #[test]
    fn the_room_of_a_node_is_bounded_and_nobody_waits_for_it() {
        let room = PageRoom::new(256 << 10, 512 << 10);
        let (one, two, three) = (room.share(), room.share(), room.share());
        assert_eq!((one.bytes, two.bytes, three.bytes), (256 << 10, 256 << 10, SMALL));
        let (page, none) = (one.shrunk(5000), three.shrunk(5000));
        assert_eq!((room.held(), none.is_none()), ((256 << 10) + (5 << 10), true));
        drop(page);
        assert_eq!(room.share().bytes, 256 << 10);
    }
}
