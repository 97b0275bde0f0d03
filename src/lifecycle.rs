//! Who ends what, and in which order.
//!
//! A node stops in two steps. `drain`: no new connections, open ones are closed. `stop`: the tasks that connections
//! rely on commit what has queued and end. Each step has a time-out; what is left then is aborted with the runtime.

use std::future::Future;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TrackedFuture;

/// Owner of a node's tasks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    drain: CancellationToken,
    stop: CancellationToken,
    connections: TaskTracker,
    tasks: TaskTracker,
}

impl Lifecycle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the node begins to stop.
    pub fn draining(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Cancelled when all connections have ended.
    pub fn hard_stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Begins to stop. Calling it again changes nothing.
    pub fn shut_down(&self) {
        self.drain.cancel();
    }

    /// Tracks a connection: the node waits for it before it stops what connections rely on.
    pub fn connection<F: Future>(&self, session: F) -> TrackedFuture<F> {
        self.connections.track_future(session)
    }

    /// Starts a task that lives as long as the node. When it ends before its time, by error or panic, the node stops
    /// rather than go on half dead.
    pub fn spawn_last<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let lifecycle = self.clone();
        self.tasks.spawn(async move {
            let guard = lifecycle.drain.clone().drop_guard();
            task.await;
            if lifecycle.stop.is_cancelled() || lifecycle.drain.is_cancelled() {
                guard.disarm();
            } else {
                tracing::error!(task = name, "a task ended before its time; stopping");
            }
        });
    }

    /// Waits until every connection has ended; answers whether they did within `limit`.
    pub async fn connections_ended(&self, limit: Duration) -> bool {
        self.connections.close();
        tokio::time::timeout(limit, self.connections.wait()).await.is_ok()
    }

    /// Ends the node's tasks; answers whether they ended within `limit`.
    pub async fn tasks_ended(&self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }
}
