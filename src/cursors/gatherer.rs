//! Gathers moves by user, and stores each user's when they are due, one gathering of a user after the other.

use super::gathering::{Delivered, Gatherings};
use super::store::Store;
use super::{Move, TimeLines};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tidings_domain::UserId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

/// Users whose cursors are stored at the same time.
const IN_FLIGHT: usize = 256;
/// Delivery cursors that are kept while the log does not take them. Beyond, later devices are sent some events again.
const KEPT_MAX: usize = 100_000;
/// Pause before what was not taken is tried again when the node stops.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Gatherer {
    store: Store,
    gather: Duration,
    gathered: Gatherings,
    /// What is being stored, and gives back the delivery cursors that were not.
    storing: JoinSet<Delivered>,
    /// Whose, and of which time lines.
    tasks: HashMap<Id, (UserId, TimeLines)>,
    busy: HashSet<UserId>,
    /// Users whose moves have been due since before their last ones were stored.
    overdue: HashSet<UserId>,
    /// Who waits until all is stored that was gathered of a user before they asked.
    settling: HashMap<UserId, Vec<oneshot::Sender<()>>>,
}

impl Gatherer {
    pub(super) fn new(store: Store, gather: Duration) -> Self {
        Self {
            store,
            gather,
            gathered: Gatherings::default(),
            storing: JoinSet::new(),
            tasks: HashMap::new(),
            busy: HashSet::new(),
            overdue: HashSet::new(),
            settling: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self, mut moves: mpsc::Receiver<Move>) {
        loop {
            let next_due = self.gathered.next_due();
            tokio::select! {
                next = moves.recv() => match next {
                    None => return,
                    Some(Move::Flush(done)) => self.flush(done).await,
                    Some(Move::Settle(user, done)) => self.settle(user, done),
                    Some(Move::Read(user, time_lines, read)) => {
                        self.gathered.read(user, time_lines, read, Instant::now() + self.gather);
                    }
                    Some(Move::Delivered(user, time_lines, cursors)) => self.take(user, time_lines, cursors),
                },
                () = tokio::time::sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => {
                    self.store_due(Some(Instant::now())).await;
                }
                Some(stored) = self.storing.join_next_with_id(), if !self.storing.is_empty() => self.stored(stored),
            }
        }
    }

    fn take(&mut self, user: UserId, time_lines: TimeLines, cursors: Delivered) {
        let due = Instant::now() + self.gather;
        self.gathered.deliver(user, time_lines, cursors, due);
    }

    /// Stores what is gathered of a user at once.
    fn settle(&mut self, user: UserId, done: oneshot::Sender<()>) {
        self.begin(user);
        if self.busy.contains(&user) {
            self.settling.entry(user).or_default().push(done);
        } else {
            // Whoever asked may be gone.
            let _ = done.send(());
        }
    }

    /// Stores what is due by `now`, or everything.
    async fn store_due(&mut self, now: Option<Instant>) {
        while let Some(user) = self.gathered.due(now) {
            while self.storing.len() >= IN_FLIGHT
                && let Some(stored) = self.storing.join_next_with_id().await
            {
                self.stored(stored);
            }
            self.begin(user);
        }
    }

    fn begin(&mut self, user: UserId) {
        if self.busy.contains(&user) {
            self.overdue.insert(user);
        } else if let Some(gathered) = self.gathered.remove(user) {
            let time_lines = gathered.time_lines;
            let storing = self.storing.spawn(self.store.clone().store(user, gathered));
            self.tasks.insert(storing.id(), (user, time_lines));
            self.busy.insert(user);
        }
    }

    fn stored(&mut self, stored: Result<(Id, Delivered), JoinError>) {
        let (id, left) = match stored {
            Ok(stored) => stored,
            Err(error) => {
                tracing::error!(%error, "storing cursors panicked");
                (error.id(), Delivered::new())
            }
        };
        let Some((user, time_lines)) = self.tasks.remove(&id) else {
            return;
        };
        self.busy.remove(&user);
        if !left.is_empty() {
            if self.gathered.cursors() + left.len() > KEPT_MAX {
                metrics::counter!("tidings_delivery_cursors_dropped_total").increment(left.len() as u64);
            } else {
                self.take(user, time_lines, left);
            }
        }
        if self.overdue.remove(&user) {
            self.begin(user);
        }
        if !self.busy.contains(&user) {
            for done in self.settling.remove(&user).into_iter().flatten() {
                let _ = done.send(());
            }
        }
    }

    /// Stores everything, as often as it takes; whoever waits for `done` gives it up when that is too long.
    async fn flush(&mut self, done: oneshot::Sender<()>) {
        loop {
            self.store_due(None).await;
            while let Some(stored) = self.storing.join_next_with_id().await {
                self.stored(stored);
            }
            if self.gathered.is_empty() || done.is_closed() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        // Nobody may wait any more.
        let _ = done.send(());
    }
}
