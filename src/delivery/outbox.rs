//! What waits to be written to one connection: bounded, with a fast lane for answers and system frames. Notices overtake what is said in
//! conversations, with whose seqs theirs have nothing to do.

use crate::wire::{Frame, LiveEvent};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidings_domain::Cursor;
use tidings_protocol::{Close, ServerFrame};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::Instant;
use uuid::Uuid;

/// Ephemeral frames that may wait; more are not shown.
const EPHEMERAL_MAX: usize = 64;
/// The same where one says that somebody types.
const TYPING_MAX: usize = 16;

/// The same where one says who is there, which is shed first.
const PRESENCE_MAX: usize = 8;

/// What an answer to `fetch` brings of a conversation that has a gap.
#[derive(Clone, Copy, Debug)]
pub struct Brought {
    pub conversation: Uuid,
    /// The first seq that was asked for.
    pub from: u64,
    /// The last event that it holds.
    pub to: Cursor,
}

/// A frame of the fast lane. What bounds this lane are the permits: a connection's reader takes one for each answer that
/// it causes, and it is given back when the answer is written.
pub struct SystemFrame {
    pub frame: Frame,
    pub permit: Option<OwnedSemaphorePermit>,
    /// Its part of the node's room for pages.
    pub room: Option<OwnedSemaphorePermit>,
    /// What of a gap it brings. Boxed, since hardly any does.
    pub brought: Option<Box<Brought>>,
}

impl SystemFrame {
    fn new(frame: Frame, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            frame,
            permit,
            room: None,
            brought: None,
        }
    }
}

/// What the writer takes out at once.
#[derive(Default)]
pub struct Work {
    pub system: Vec<SystemFrame>,
    pub live: Vec<LiveEvent>,
    /// Events were dropped because the client is slow: it has to catch up from the log.
    pub lagged: bool,
    pub close: Option<Close>,
}

impl Work {
    pub fn is_empty(&self) -> bool {
        self.system.is_empty() && self.live.is_empty() && !self.lagged && self.close.is_none()
    }
}

/// The outbox of one connection.
pub struct Outbox {
    queues: Mutex<Queues>,
    wake: Notify,
    events_max: usize,
    bytes_max: usize,
}

#[derive(Default)]
struct Queues {
    system: VecDeque<SystemFrame>,
    /// Notices first.
    live: VecDeque<LiveEvent>,
    notices: usize,
    live_bytes: usize,
    /// Since when there have been any events.
    since: Option<Instant>,
    ephemeral: usize,
    pong: Option<Frame>,
    lagged: bool,
    close: Option<Close>,
}

impl Queues {
    fn lag(&mut self) {
        self.live = VecDeque::new();
        self.notices = 0;
        self.live_bytes = 0;
        self.since = None;
        self.lagged = true;
    }

    fn add(&mut self, event: LiveEvent) {
        if event.is_notice {
            self.live.insert(self.notices, event);
            self.notices += 1;
        } else {
            self.live.push_back(event);
        }
    }

    fn take_system(&mut self) -> Vec<SystemFrame> {
        self.ephemeral = 0;
        let mut system: Vec<SystemFrame> = std::mem::take(&mut self.system).into();
        system.extend(self.pong.take().map(|frame| SystemFrame::new(frame, None)));
        system
    }
}

impl Outbox {
    pub fn new(events_max: usize, bytes_max: usize) -> Self {
        Self {
            queues: Mutex::default(),
            wake: Notify::new(),
            events_max,
            bytes_max,
        }
    }

    /// Adds an answer or another system frame.
    pub fn system(&self, frame: &ServerFrame, permit: Option<OwnedSemaphorePermit>) {
        self.system_frame(Frame::text(frame.encode().as_bytes()), permit);
    }

    /// The same for a frame that is encoded already.
    pub fn system_frame(&self, frame: Frame, permit: Option<OwnedSemaphorePermit>) {
        self.push(SystemFrame::new(frame, permit));
    }

    /// Adds an answer to `fetch`, which holds its part of the node's room until it is written.
    pub fn fetched(
        &self,
        frame: Frame,
        permit: OwnedSemaphorePermit,
        room: Option<OwnedSemaphorePermit>,
        brought: Option<Brought>,
    ) {
        self.push(SystemFrame {
            room,
            brought: brought.map(Box::new),
            ..SystemFrame::new(frame, Some(permit))
        });
    }

    fn push(&self, frame: SystemFrame) {
        self.queues().system.push_back(frame);
        self.wake.notify_one();
    }

    /// Adds events, in order, with one wake-up. When there is no room, all waiting events are dropped and the connection has
    /// to catch up.
    pub fn live(&self, events: &[LiveEvent]) {
        let mut queues = self.queues();
        if queues.lagged || queues.close.is_some() {
            return;
        }
        for event in events {
            let bytes = queues.live_bytes + event.frame.size();
            if queues.live.len() >= self.events_max || bytes > self.bytes_max {
                queues.lag();
                metrics::counter!("tidings_outbox_overflows_total").increment(1);
                break;
            }
            queues.live_bytes = bytes;
            queues.since.get_or_insert_with(Instant::now);
            queues.add(event.clone());
        }
        drop(queues);
        self.wake.notify_one();
    }

    /// Drops all waiting events: the connection has to catch up.
    pub fn lag(&self) {
        let mut queues = self.queues();
        if queues.close.is_none() {
            queues.lag();
            drop(queues);
            self.wake.notify_one();
        }
    }

    /// Adds a receipt, or drops it when many ephemeral frames wait already.
    pub fn receipt(&self, frame: Frame) {
        self.ephemeral(frame, EPHEMERAL_MAX);
    }

    /// Adds that somebody types, or drops it when several ephemeral frames wait already.
    pub fn typing(&self, frame: Frame) {
        self.ephemeral(frame, TYPING_MAX);
    }

    /// Adds who is there, unless several ephemeral frames wait already or half of the room for events is taken. Answers whether it
    /// was added.
    pub fn presence(&self, frame: Frame) -> bool {
        let mut queues = self.queues();
        let is_half_full = queues.live.len() > self.events_max / 2
            || queues.live_bytes > self.bytes_max / 2
            || queues.lagged;
        if is_half_full || queues.ephemeral >= PRESENCE_MAX || queues.close.is_some() {
            return false;
        }
        queues.ephemeral += 1;
        queues.system.push_back(SystemFrame::new(frame, None));
        drop(queues);
        self.wake.notify_one();
        true
    }

    fn ephemeral(&self, frame: Frame, room: usize) {
        let mut queues = self.queues();
        if queues.ephemeral >= room || queues.close.is_some() {
            return;
        }
        queues.ephemeral += 1;
        queues.system.push_back(SystemFrame::new(frame, None));
        drop(queues);
        self.wake.notify_one();
    }

    /// Answers a ping. RFC 6455 lets the answer to the newest one stand for those before it, so one may wait.
    pub fn pong(&self, payload: &[u8]) {
        self.queues().pong = Some(Frame::pong(payload));
        self.wake.notify_one();
    }

    /// Asks the writer to close, after what waits in the fast lane. The first reason stands.
    pub fn close(&self, close: Close) {
        self.queues().close.get_or_insert(close);
        self.wake.notify_one();
    }

    /// Bytes of events that wait, and for how long some have.
    pub fn waiting(&self) -> (usize, Duration) {
        let queues = self.queues();
        (
            queues.live_bytes,
            queues.since.map_or(Duration::ZERO, |since| since.elapsed()),
        )
    }

    pub fn is_closing(&self) -> bool {
        self.queues().close.is_some()
    }

    /// Takes what waits: all of the fast lane and at most `live_max` events, notices first.
    pub fn take(&self, live_max: usize) -> Work {
        let mut queues = self.queues();
        let system = queues.take_system();
        let count = live_max.min(queues.live.len());
        let live: Vec<LiveEvent> = queues.live.drain(..count).collect();
        queues.notices = queues.notices.saturating_sub(count);
        queues.live_bytes -= live.iter().map(|event| event.frame.size()).sum::<usize>();
        if queues.live.is_empty() {
            // An idle connection keeps no buffers.
            queues.live = VecDeque::new();
            queues.since = None;
        }
        Work {
            system,
            live,
            lagged: std::mem::take(&mut queues.lagged),
            close: queues.close.clone(),
        }
    }

    /// Takes the fast lane only, for a writer that is busy catching up.
    pub fn take_system(&self) -> Vec<SystemFrame> {
        self.queues().take_system()
    }

    /// Waits until something may be there.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64) -> LiveEvent {
        LiveEvent {
            conversation: Uuid::nil(),
            seq,
            msg_no: 0,
            joins: None,
            is_notice: false,
            edits: None,
            frame: Frame::text(b""),
        }
    }

    #[test]
    fn notices_overtake_what_is_said_and_not_each_other() {
        let outbox = Outbox::new(100, 1000);
        let notice = |seq| LiveEvent {
            is_notice: true,
            ..event(seq)
        };
        let taken = |most| {
            let work = outbox.take(most);
            work.live.iter().map(|event| event.seq).collect::<Vec<_>>()
        };
        outbox.live(&[event(1), event(2), notice(11)]);
        outbox.live(&[notice(12)]);
        assert_eq!(taken(1), [11]);
        outbox.live(&[event(3), notice(13)]);
        assert_eq!(taken(3), [12, 13, 1]);
        outbox.live(&[notice(14)]);
        assert_eq!(taken(10), [14, 2, 3]);
        outbox.live(&[event(4), notice(15)]);
        outbox.lag();
        outbox.take(0);
        outbox.live(&[event(5), notice(16)]);
        assert_eq!(taken(10), [16, 5]);
    }

    #[test]
    fn a_full_outbox_drops_everything_and_says_so_once() {
        let outbox = Outbox::new(2, 1000);
        for seq in 1..=5 {
            outbox.live(&[event(seq)]);
        }
        let work = outbox.take(10);
        assert!(work.lagged && work.live.is_empty());
        outbox.live(&[event(6)]);
        let work = outbox.take(10);
        assert!(!work.lagged);
        assert_eq!(work.live.len(), 1);
        outbox.live(&[event(7), event(8), event(9)]);
        assert!(outbox.take(10).lagged);
    }

    #[test]
    fn who_is_there_is_shed_before_anything_else() {
        let outbox = Outbox::new(4, 1000);
        let frame = || Frame::text(b"");
        for _ in 0..PRESENCE_MAX {
            assert!(outbox.presence(frame()));
        }
        assert!(!outbox.presence(frame()));
        outbox.typing(frame());
        assert_eq!(outbox.take(10).system.len(), PRESENCE_MAX + 1);
        outbox.live(&[event(1), event(2)]);
        assert!(outbox.presence(frame()));
        outbox.live(&[event(3)]);
        assert!(!outbox.presence(frame()));
        outbox.receipt(frame());
        assert_eq!(outbox.take(10).system.len(), 2);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let outbox = Outbox::new(100, 5);
        outbox.live(&[event(1)]);
        outbox.live(&[event(2)]);
        assert!(!outbox.queues().lagged);
        outbox.live(&[event(3)]);
        assert!(outbox.take(10).lagged);
    }

    #[test]
    fn the_first_reason_to_close_stands() {
        use tidings_protocol::CloseCode;
        let outbox = Outbox::new(2, 1000);
        outbox.close(Close::new(CloseCode::TooSlow));
        outbox.close(Close::new(CloseCode::GoingAway));
        assert_eq!(outbox.take(1).close.map(|close| close.code), Some(4001));
    }
}
