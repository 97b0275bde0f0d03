//! Whether this node can serve: append, and let clients in. Looked after all the time, so that whoever asks need not wait.

use crate::fanout::Health;
use crate::lifecycle::Lifecycle;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tidings_eventlog::{Appender, LaneHead, Log, Pool};
use tidings_projections::Checkpoints;
use tokio::time::{Instant, interval, timeout};

/// How often everything is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long the log's heads may take, beyond which the log counts as away.
const HEADS: Duration = Duration::from_secs(5);
/// Read models that clients are let in by.
const NEEDED: [&str; 2] = ["conversations", "inbox"];

/// Why a node is not ready. The names stand in the answer of `/readyz` and in docs/operations.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The node is told to stop.
    GoingAway,
    /// Nothing can be appended: the database is away, or takes no writes.
    LogNotWritable,
    /// The heads of the log cannot be read.
    LogNotReadable,
    /// Read models that clients are let in by have not passed for a while what was in the log.
    ReadModelsBehind,
    /// Whoever reads gets no session with the database in time: all are in use, or it takes no more.
    ReadersUnavailable,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::GoingAway => "going_away",
            Self::LogNotWritable => "log_not_writable",
            Self::LogNotReadable => "log_not_readable",
            Self::ReadModelsBehind => "read_models_behind",
            Self::ReadersUnavailable => "readers_unavailable",
        }
    }
}

/// How long something may be wrong.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until clients are let go because nothing can be appended.
    pub unwritable: Duration,
    /// Until read models that have not passed the log's heads count as behind.
    pub behind: Duration,
}

/// What readiness depends on. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    appender: Arc<Appender>,
    redis: Health,
    lifecycle: Lifecycle,
    reads: Found,
    readers: Found,
}

impl Readiness {
    /// Looks after the node's readiness until it stops. `log` is read over sessions that no reader can use up, `readers` are those that they
    /// can.
    pub fn start(
        lifecycle: &Lifecycle,
        appender: &Arc<Appender>,
        log: &Log,
        readers: &Pool,
        checkpoints: &Checkpoints,
        redis: Health,
        patience: Patience,
    ) -> Self {
        let readiness = Self {
            appender: Arc::clone(appender),
            redis,
            lifecycle: lifecycle.clone(),
            reads: Found::default(),
            readers: Found::default(),
        };
        let (writes, stop) = (readiness.clone(), lifecycle.stopping());
        lifecycle.spawn_for_life("readiness of writes", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = writes.watch_writes(patience.unwritable) => {}
            }
        });
        let (reads, stop) = (readiness.clone(), lifecycle.stopping());
        let (log, checkpoints) = (log.clone(), checkpoints.clone());
        lifecycle.spawn_for_life("readiness of reads", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = reads.watch_reads(&log, &checkpoints, patience.behind) => {}
            }
        });
        let (watch, stop) = (readiness.clone(), lifecycle.stopping());
        let readers = readers.clone();
        lifecycle.spawn_for_life("readiness of readers", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = watch.watch_readers(&readers) => {}
            }
        });
        readiness
    }

    /// Why the node cannot serve; nothing when it can.
    pub fn reasons(&self) -> Vec<Reason> {
        let going = self.lifecycle.is_draining().then_some(Reason::GoingAway);
        let writes = self.appender.trouble().map(|_| Reason::LogNotWritable);
        [going, writes, self.reads.last(), self.readers.last()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Whether Redis works. A node serves without it, only slower.
    pub fn redis_is_up(&self) -> bool {
        self.redis.is_up()
    }

    /// Lets clients go when nothing could be appended for so long, and in again when something can.
    async fn watch_writes(&self, limit: Duration) {
        let mut look = interval(LOOK);
        loop {
            look.tick().await;
            self.appender.probe().await;
            let trouble = self.appender.trouble();
            metrics::gauge!("tidings_log_writable").set(if trouble.is_none() { 1.0 } else { 0.0 });
            if let Some(trouble) = trouble {
                if trouble.since.elapsed() >= limit && self.lifecycle.is_open() {
                    tracing::error!(
                        reason = trouble.reason,
                        "the log takes no events; clients are let go"
                    );
                    self.lifecycle.shut_doors();
                }
            } else if self.lifecycle.open_doors() {
                tracing::info!("the log takes events again; clients are let in");
            }
        }
    }

    async fn watch_reads(&self, log: &Log, checkpoints: &Checkpoints, limit: Duration) {
        let mut look = interval(LOOK);
        let mut goal: Option<Goal> = None;
        loop {
            look.tick().await;
            let heads = match timeout(HEADS, log.heads()).await {
                Ok(Ok(heads)) => heads,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "heads cannot be read");
                    self.reads.note(Some(Reason::LogNotReadable));
                    continue;
                }
                Err(_) => {
                    self.reads.note(Some(Reason::LogNotReadable));
                    continue;
                }
            };
            let is_over = |goal: &Goal| goal.is_passed(checkpoints) || goal.is_void(&heads);
            if goal.as_ref().is_none_or(is_over) {
                goal = Some(Goal {
                    set: Instant::now(),
                    heads,
                });
            }
            let late = goal
                .as_ref()
                .is_some_and(|goal| goal.set.elapsed() >= limit && !goal.is_passed(checkpoints));
            self.reads.note(late.then_some(Reason::ReadModelsBehind));
        }
    }

    /// Waits for a session as those do who read, and no longer than they do.
    async fn watch_readers(&self, readers: &Pool) {
        let mut look = interval(LOOK);
        loop {
            look.tick().await;
            let none = readers.get().await.err();
            if let Some(error) = &none {
                tracing::debug!(%error, "there is no session to read over");
            }
            self.readers.note(none.map(|_| Reason::ReadersUnavailable));
        }
    }
}

/// What was found last by one of those who look, if anything is wrong. Cheap to clone.
#[derive(Clone, Default)]
struct Found(Arc<Mutex<Option<Reason>>>);

impl Found {
    fn last(&self) -> Option<Reason> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, reason: Option<Reason>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != reason {
            if let Some(reason) = reason {
                tracing::warn!(reason = reason.name(), "not ready");
            } else if let Some(reason) = *last {
                tracing::info!(reason = reason.name(), "it is no more a reason not to be ready");
            }
        }
        *last = reason;
    }
}

/// Heads that the read models are to pass.
struct Goal {
    set: Instant,
    heads: Vec<LaneHead>,
}

impl Goal {
    /// Whether the log that the goal is of is no more: it has gone back, and may never come as far again.
    fn is_void(&self, heads: &[LaneHead]) -> bool {
        self.heads.iter().any(|goal| {
            let head = heads.iter().find(|head| head.lane == goal.lane);
            head.is_none_or(|head| head.epoch != goal.epoch || head.is_before(*goal))
        })
    }

    fn is_passed(&self, checkpoints: &Checkpoints) -> bool {
        let lags = checkpoints.lag();
        let mut needed = lags.iter().filter(|lag| NEEDED.contains(&lag.projection));
        needed.all(|lag| {
            let head = self.heads.iter().find(|head| head.lane == lag.lane);
            head.is_none_or(|head| lag.pos >= head.head)
        })
    }
}
