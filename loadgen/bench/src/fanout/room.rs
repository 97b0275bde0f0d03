//! One group: which messages are on their way, and when they reached whom.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tidings_report::Latencies;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

/// The longest that the last message of a round may take to its last recipient.
const PATIENCE: Duration = Duration::from_mins(1);
/// Messages whose ways are remembered at the same time; more than a slow member's outbox holds.
const SLOTS: usize = 4_096;

/// A group as its members in this process share it.
pub(super) struct Room {
    pub(super) conversation: Uuid,
    members: u64,
    sent: AtomicU64,
    delivered: AtomicU64,
    sending: AtomicBool,
    /// Messages that may still be sent before another has reached everybody.
    window: Semaphore,
    settled: Notify,
    ways: Mutex<Ways>,
    /// Recipients so far, by seq.
    counts: Vec<AtomicU64>,
}

/// When messages were due, and how long they took.
struct Ways {
    /// By message; only what is on its way.
    due: std::collections::HashMap<Uuid, Instant>,
    latencies: [Latencies; 3],
}

impl Room {
    pub(super) fn new(conversation: Uuid, members: usize) -> Self {
        Self {
            conversation,
            members: members as u64,
            sent: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            sending: AtomicBool::new(false),
            window: Semaphore::new(0),
            settled: Notify::new(),
            ways: Mutex::new(Ways {
                due: std::collections::HashMap::new(),
                latencies: [Latencies::new(), Latencies::new(), Latencies::new()],
            }),
            counts: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Begins a round in which `window` messages may be on their way, or any number of them when it is `paced`.
    pub(super) fn begin(&self, window: usize, paced: bool) {
        let left = self.window.available_permits();
        self.window.forget_permits(left);
        self.window.add_permits(if paced { SLOTS / 2 } else { window });
        self.ways().latencies = [Latencies::new(), Latencies::new(), Latencies::new()];
        self.sending.store(true, Ordering::Release);
    }

    /// Waits until a message may be sent; false when the round has ended.
    pub(super) async fn may_send(&self) -> bool {
        if let Ok(permit) = self.window.acquire().await {
            permit.forget();
        }
        self.sending.load(Ordering::Acquire)
    }

    pub(super) fn is_sending(&self) -> bool {
        self.sending.load(Ordering::Acquire)
    }

    /// Notes that a message goes out.
    pub(super) fn sent(&self, message: Uuid, due: Instant) {
        self.ways().due.insert(message, due);
        self.sent.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that a message has reached one more member. When it has reached the last of them, another may be sent.
    pub(super) fn delivered(&self, seq: u64, message: Uuid) {
        let count = self.counts[seq as usize % SLOTS].fetch_add(1, Ordering::AcqRel) + 1;
        if count == 1 || count == self.members.div_ceil(2) || count == self.members {
            let now = Instant::now();
            let mut ways = self.ways();
            let due = ways.due.get(&message).copied();
            if let Some(due) = due {
                let marks = [1, self.members.div_ceil(2), self.members];
                for (latencies, mark) in ways.latencies.iter_mut().zip(marks) {
                    if mark == count {
                        latencies.record(now - due);
                    }
                }
            }
            if count == self.members {
                ways.due.remove(&message);
                self.counts[seq as usize % SLOTS].store(0, Ordering::Release);
                self.window.add_permits(1);
            }
        }
        let delivered = self.delivered.fetch_add(1, Ordering::AcqRel) + 1;
        if !self.is_sending() && delivered == self.sent.load(Ordering::Acquire) * self.members {
            self.settled.notify_one();
        }
    }

    pub(super) fn deliveries(&self) -> u64 {
        self.delivered.load(Ordering::Acquire)
    }

    pub(super) fn stop_sending(&self) {
        self.sending.store(false, Ordering::Release);
        // Senders that wait for their turn see that there is none.
        self.window.add_permits(SLOTS);
    }

    /// Waits until everything sent has reached everybody.
    pub(super) async fn settled(&self) -> Result<()> {
        let settling = async {
            while self.deliveries() != self.sent.load(Ordering::Acquire) * self.members {
                let _ = timeout(Duration::from_millis(20), self.settled.notified()).await;
            }
        };
        if timeout(PATIENCE, settling).await.is_err() {
            let sent = self.sent.load(Ordering::Acquire);
            bail!(
                "{sent} messages to {} members, but {} deliveries",
                self.members,
                self.deliveries()
            );
        }
        Ok(())
    }

    pub(super) fn latencies(&self, sums: &mut [Latencies; 3]) {
        for (sum, own) in sums.iter_mut().zip(&self.ways().latencies) {
            sum.merge(own);
        }
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
