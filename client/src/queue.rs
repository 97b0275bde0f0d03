//! What waits for the user, within a budget of bytes.
//!
//! The socket is read however slow the user is, for answers to commands come over it too. So what waits has a limit:
//! events beyond it are left out, to be fetched again when there is room; what may be lost is lost; and what can
//! neither be fetched nor lost has as much room again, behind which the connection ends, to be resumed later.

use std::{
    collections::VecDeque,
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tidings_protocol::Event;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use crate::Incoming;

/// Room in the budget; dropping it gives it back.
pub(crate) type Room = OwnedSemaphorePermit;

/// One thing on its way to the user.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) incoming: Incoming,
    /// Given back when the user takes the value.
    _room: Option<Room>,
}

/// How many values the user has taken out.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    count: AtomicU64,
    moved: Notify,
}

impl Taken {
    /// The user has one more.
    pub(crate) fn one(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.moved.notify_one();
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}

/// The queue to the user, as the connection's task sees it.
pub(crate) struct Queue {
    ready: VecDeque<Waiting>,
    taken: mpsc::Sender<Waiting>,
    /// Values that were put in, and of those the ones that the user has.
    put: u64,
    had: Arc<Taken>,
    /// For events, and for what may be lost.
    room: Arc<Semaphore>,
    /// For what can be neither fetched again nor lost.
    spare: Arc<Semaphore>,
    half: u32,
    overrun: bool,
}

impl Queue {
    /// A queue of `values` and whatever `bytes` hold beside, and its other end.
    pub(crate) fn new(values: usize, bytes: usize) -> (Self, mpsc::Receiver<Waiting>) {
        let (taken, taking) = mpsc::channel(values.max(1));
        let bytes = bytes.clamp(2, 1 << 30);
        let queue = Self {
            ready: VecDeque::new(),
            taken,
            put: 0,
            had: Arc::default(),
            room: Arc::new(Semaphore::new(bytes)),
            spare: Arc::new(Semaphore::new(bytes)),
            half: (bytes / 2) as u32,
            overrun: false,
        };
        (queue, taking)
    }

    /// Room for an event, or `None` when there is none now.
    pub(crate) fn room_for(&self, event: &Event) -> Option<Room> {
        self.take(&self.room, size_of::<Event>() + event.data.get().len())
    }

    /// Puts an event behind all that waits, in room that was taken for it.
    pub(crate) fn event(&mut self, event: Event, room: Room) {
        self.put(Incoming::Event(event), Some(room));
    }

    /// Puts something that may be lost, if there is room.
    pub(crate) fn offer(&mut self, incoming: Incoming) {
        if let Some(room) = self.take(&self.room, size_of::<Incoming>()) {
            self.put(incoming, Some(room));
        }
    }

    /// Puts something that must not be lost, whether there is room or not. `bytes` is what it holds outside itself.
    pub(crate) fn push(&mut self, incoming: Incoming, bytes: usize) {
        let room = self.take(&self.spare, size_of::<Incoming>() + bytes);
        self.overrun |= room.is_none();
        self.put(incoming, room);
    }

    /// Whether more waits than there may be: the connection has to end.
    pub(crate) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// Whether something waits for the user to make room.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.ready.is_empty()
    }

    /// What counts the values that the user takes out.
    pub(crate) fn had(&self) -> Arc<Taken> {
        Arc::clone(&self.had)
    }

    /// How many values have been put in since the beginning.
    pub(crate) fn put_in(&self) -> u64 {
        self.put
    }

    /// Waits until the user has the first `count` values. Cancel-safe.
    pub(crate) async fn had_to(&self, count: u64) {
        while self.had.count() < count {
            self.had.moved.notified().await;
        }
    }

    /// Whether the user has taken out all that there was.
    pub(crate) fn is_taken(&self) -> bool {
        self.ready.is_empty() && self.taken.capacity() == self.taken.max_capacity()
    }

    /// Whether nobody will take anything out any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.taken.is_closed()
    }

    /// Passes on what is ready, as far as the user has room now.
    pub(crate) fn hand_out(&mut self) {
        while !self.ready.is_empty() {
            let Ok(permit) = self.taken.try_reserve() else {
                return;
            };
            if let Some(waiting) = self.ready.pop_front() {
                permit.send(waiting);
            }
        }
    }

    /// Waits until the user has room; false when nobody will take anything out any more.
    pub(crate) async fn has_room(&self) -> bool {
        self.taken.reserve().await.is_ok()
    }

    /// Waits until the user's end is empty.
    pub(crate) async fn emptied(&self) {
        // Closed is as good as empty.
        let _ = self.taken.reserve_many(self.taken.max_capacity()).await;
    }

    /// Waits until half of the budget is free.
    pub(crate) async fn eased(&self) {
        // It is never closed.
        let _ = self.room.acquire_many(self.half).await;
    }

    /// Waits until what had to be kept has been taken out to the half, where it was too much.
    pub(crate) fn recovered(&mut self) -> impl Future<Output = ()> + use<> {
        let spare = Arc::clone(&self.spare);
        let wanted = if std::mem::take(&mut self.overrun) {
            self.half
        } else {
            0
        };
        async move {
            // It is never closed.
            let _ = spare.acquire_many(wanted).await;
        }
    }

    /// The next value, past the user.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        self.ready.pop_front()
    }

    /// Passes a value on to the user, waiting for room; false when nobody takes it any more.
    pub(crate) async fn send(&self, waiting: Waiting) -> bool {
        self.taken.send(waiting).await.is_ok()
    }

    fn put(&mut self, incoming: Incoming, room: Option<Room>) {
        self.put += 1;
        self.ready.push_back(Waiting {
            incoming,
            _room: room,
        });
    }

    /// However large one is, it finds room when half of the budget is free.
    fn take(&self, budget: &Arc<Semaphore>, bytes: usize) -> Option<Room> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.half);
        Arc::clone(budget).try_acquire_many_owned(bytes).ok()
    }
}
