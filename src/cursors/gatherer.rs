//! Gathers moves by user, and stores each user's when they are due, one gathering of a user after the other.

use super::store::Store;
use super::{Move, Read};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;
use tidings_domain::{ConversationId, Cursor, UserId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

/// Users whose cursors are stored at the same time.
const IN_FLIGHT: usize = 256;
/// Delivery cursors that are kept while the log does not take them. Beyond, later devices are sent some events again.
const KEPT_MAX: usize = 100_000;
/// Pause before what was not taken is tried again when the node stops.
const PAUSE: Duration = Duration::from_millis(200);

/// Delivery cursors of one user.
pub(super) type Delivered = BTreeMap<ConversationId, Cursor>;

/// What has been gathered of one user.
pub(super) struct Gathered {
    /// As the store said when gathering began: what is of a log that has gone back since names other events now.
    pub(super) time_lines: u64,
    pub(super) reads: Vec<Read>,
    pub(super) delivered: Delivered,
}

pub(super) struct Gatherer {
    store: Store,
    gather: Duration,
    users: HashMap<UserId, Gathered>,
    /// When each user's moves are due. All wait equally long, so the order of arrival is the order of dues.
    order: VecDeque<(Instant, UserId)>,
    /// What is being stored, and gives back the delivery cursors that were not.
    storing: JoinSet<Delivered>,
    /// Whose.
    tasks: HashMap<Id, UserId>,
    busy: HashSet<UserId>,
    /// Users whose moves have been due since before their last ones were stored.
    overdue: HashSet<UserId>,
    /// Delivery cursors that have to be tried again.
    kept: usize,
}

impl Gatherer {
    pub(super) fn new(store: Store, gather: Duration) -> Self {
        Self {
            store,
            gather,
            users: HashMap::new(),
            order: VecDeque::new(),
            storing: JoinSet::new(),
            tasks: HashMap::new(),
            busy: HashSet::new(),
            overdue: HashSet::new(),
            kept: 0,
        }
    }

    pub(super) async fn run(mut self, mut moves: mpsc::Receiver<Move>) {
        loop {
            let next_due = self.order.front().map(|(due, _)| *due);
            tokio::select! {
                next = moves.recv() => match next {
                    None => return,
                    Some(Move::Flush(done)) => self.flush(done).await,
                    Some(Move::Read(user, read)) => self.gathered(user).reads.push(read),
                    Some(Move::Delivered(user, cursors)) => self.take(user, cursors),
                },
                () = tokio::time::sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => {
                    self.store_due(Some(Instant::now())).await;
                }
                Some(stored) = self.storing.join_next_with_id(), if !self.storing.is_empty() => self.stored(stored),
            }
        }
    }

    fn take(&mut self, user: UserId, cursors: Delivered) {
        let gathered = self.gathered(user);
        for (conversation, cursor) in cursors {
            let known = gathered.delivered.entry(conversation).or_insert(cursor);
            *known = (*known).max(cursor);
        }
    }

    fn gathered(&mut self, user: UserId) -> &mut Gathered {
        self.users.entry(user).or_insert_with(|| {
            self.order.push_back((Instant::now() + self.gather, user));
            Gathered {
                time_lines: self.store.time_lines(),
                reads: vec![],
                delivered: Delivered::new(),
            }
        })
    }

    /// Stores what is due by `now`, or everything.
    async fn store_due(&mut self, now: Option<Instant>) {
        while let Some((due, user)) = self.order.front().copied() {
            if now.is_some_and(|now| due > now) {
                return;
            }
            self.order.pop_front();
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
        } else if let Some(gathered) = self.users.remove(&user) {
            let storing = self.storing.spawn(self.store.clone().store(user, gathered));
            self.tasks.insert(storing.id(), user);
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
        let Some(user) = self.tasks.remove(&id) else {
            return;
        };
        self.busy.remove(&user);
        if !left.is_empty() {
            self.kept = self.users.values().map(|gathered| gathered.delivered.len()).sum();
            if self.kept + left.len() > KEPT_MAX {
                metrics::counter!("tidings_delivery_cursors_dropped_total").increment(left.len() as u64);
            } else {
                self.take(user, left);
            }
        }
        if self.overdue.remove(&user) {
            self.begin(user);
        }
    }

    /// Stores everything, as often as it takes; whoever waits for `done` gives it up when that is too long.
    async fn flush(&mut self, done: oneshot::Sender<()>) {
        loop {
            self.store_due(None).await;
            while let Some(stored) = self.storing.join_next_with_id().await {
                self.stored(stored);
            }
            if self.users.is_empty() || done.is_closed() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        // Nobody may wait any more.
        let _ = done.send(());
    }
}
