//! What all people of a run write into.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tidings_protocol::{Ack, Position};
use tokio::sync::watch;
use uuid::Uuid;

use crate::checker::{Amendments, Fault};

/// Ack latencies up to this are told apart.
const LATENCY_MICROS_MAX: u64 = 600_000_000;

pub(crate) struct Shared {
    /// Events that came to any client.
    pub(crate) deliveries: AtomicU64,
    pub(crate) reconnects: AtomicU64,
    pub(crate) window: usize,
    latency: Mutex<Histogram<u64>>,
    /// What was acked of edits, recalls and reactions.
    amendments: Mutex<Amendments>,
    /// Reactions that were refused because their message had been recalled: who, where, and to which.
    late: Mutex<Vec<(String, Uuid, Uuid)>>,
    /// The message of each conversation that was acked last.
    latest: Mutex<HashMap<Uuid, Uuid>>,
    /// The highest ack of each conversation.
    heads: Mutex<HashMap<Uuid, Ack>>,
    fault: watch::Sender<Option<Fault>>,
}

impl Shared {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            deliveries: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            window,
            latency: Mutex::new(
                Histogram::new_with_max(LATENCY_MICROS_MAX, 3).expect("the bounds are valid for a histogram"),
            ),
            amendments: Mutex::default(),
            late: Mutex::default(),
            latest: Mutex::default(),
            heads: Mutex::default(),
            fault: watch::Sender::new(None),
        }
    }

    /// Counts one ack of a message or of a group's change.
    pub(crate) fn acked(&self, ack: &Ack, took: Option<Duration>) {
        if let Some(took) = took {
            lock(&self.latency).saturating_record(took.as_micros() as u64);
        }
        let mut heads = lock(&self.heads);
        let head = heads.entry(ack.conversation).or_insert_with(|| ack.clone());
        if ack.seq > head.seq {
            *head = ack.clone();
        }
    }

    pub(crate) fn amendments(&self) -> MutexGuard<'_, Amendments> {
        lock(&self.amendments)
    }

    pub(crate) fn late(&self) -> MutexGuard<'_, Vec<(String, Uuid, Uuid)>> {
        lock(&self.late)
    }

    /// By conversation, the message that was acked last.
    pub(crate) fn latest(&self) -> MutexGuard<'_, HashMap<Uuid, Uuid>> {
        lock(&self.latest)
    }

    /// The highest acked seq of a conversation.
    pub(crate) fn head(&self, conversation: Uuid) -> u64 {
        lock(&self.heads).get(&conversation).map_or(0, |ack| ack.seq)
    }

    /// Where that ack stands in the log.
    pub(crate) fn position(&self, conversation: Uuid) -> Option<Position> {
        lock(&self.heads).get(&conversation).map(|ack| ack.position)
    }

    pub(crate) fn latency(&self) -> MutexGuard<'_, Histogram<u64>> {
        lock(&self.latency)
    }

    pub(crate) fn delivered(&self) {
        self.deliveries.fetch_add(1, Ordering::Relaxed);
    }

    /// Stops the run; the first fault counts.
    pub(crate) fn fail(&self, fault: Fault) {
        self.fault.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(fault);
            is_first
        });
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.borrow().clone()
    }

    /// Waits until something failed.
    pub(crate) async fn failed(&self) {
        // The sender lives as long as `self`.
        let _ = self.fault.subscribe().wait_for(Option::is_some).await;
    }
}

/// A progress bar on a terminal, nothing elsewhere.
pub(crate) fn bar(what: &'static str, length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>14} [{bar:40}] {pos}/{len} {per_sec} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64)
        .with_style(style)
        .with_message(what)
}

/// Nothing here stays half-written by a panic, so a poisoned lock is as good as another.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
