//! Who ends what, and in which order.
//!
//! A node stops in two steps. `drain`: no new connections, open ones are closed. `stop`: the tasks that connections
//! rely on commit what has queued and end. Each step has a time-out; what is left then is aborted with the runtime.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Owner of a node's tasks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    drain: CancellationToken,
    stop: CancellationToken,
    connections: TaskTracker,
    tasks: TaskTracker,
    doors: Arc<Mutex<Doors>>,
}

/// Whether the node takes clients, while it does not stop.
#[derive(Debug)]
struct Doors {
    open: bool,
    /// Cancelled when those who are in are to leave.
    leave: CancellationToken,
}

impl Default for Lifecycle {
    fn default() -> Self {
        let drain = CancellationToken::new();
        let doors = Doors {
            open: true,
            leave: drain.child_token(),
        };
        Self {
            drain,
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            tasks: TaskTracker::new(),
            doors: Arc::new(Mutex::new(doors)),
        }
    }
}

impl Lifecycle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the connections that there are now are to end, whether the node stops or only lets them go.
    pub fn leaving(&self) -> CancellationToken {
        self.doors().leave.clone()
    }

    /// Whether clients may come in.
    pub fn is_open(&self) -> bool {
        self.doors().open && !self.is_draining()
    }

    /// Lets those who are in go to other nodes, and nobody in until `open_doors`. Answers whether they were open.
    pub fn shut_doors(&self) -> bool {
        let mut doors = self.doors();
        let next = self.drain.child_token();
        std::mem::replace(&mut doors.leave, next).cancel();
        std::mem::replace(&mut doors.open, false)
    }

    /// Lets clients in again. Answers whether the doors were shut.
    pub fn open_doors(&self) -> bool {
        !std::mem::replace(&mut self.doors().open, true)
    }

    fn doors(&self) -> MutexGuard<'_, Doors> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cancelled when the node begins to stop.
    pub fn draining(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Cancelled when all connections have ended.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Begins to stop. Calling it again changes nothing.
    pub fn shut_down(&self) {
        self.drain.cancel();
    }

    /// Starts a connection's task: the node waits for it before it stops what connections rely on.
    pub fn spawn_connection(&self, session: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn(session);
    }

    /// Starts a task that lives as long as the node. When it ends before its time, by error or panic, the node stops
    /// rather than go on half dead.
    pub fn spawn_for_life<F>(&self, name: &'static str, task: F)
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
