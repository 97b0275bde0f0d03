//! The servers of a run, and what they say of themselves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_services::{ChaosProxy, PostgresOptions, Profile};
use tidings_stand::{Node, Stand, StandOptions};
use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};
use tokio::time::{Instant, sleep};

use crate::conditions::Conditions;
use crate::effects::Effects;
use crate::fault::{Fault, NODES};
use crate::store::Restored;

mod older;
mod operator;
mod suffer;

/// How long a node that is started again may take, with stores that are still broken meanwhile.
const RETURN_LIMIT: Duration = Duration::from_mins(2);
/// A supervisor's pause before it starts a node again that has ended.
const PAUSE: Duration = Duration::from_millis(200);

/// Three nodes on PostgreSQL and Redis, with a network that can be disturbed.
pub(crate) struct Ground {
    stand: Stand,
    program: PathBuf,
    /// Held by those for whom an answer that was given once must stay.
    calm: RwLock<()>,
    restored: std::sync::Mutex<Option<Restored>>,
    /// Networks that have died, and lead nowhere until the end.
    dead: std::sync::Mutex<Vec<ChaosProxy>>,
    turns: Turns,
    effects: std::sync::Mutex<Effects>,
}

/// One fault at a time for each server: on a slow machine one may last longer than planned.
#[derive(Default)]
struct Turns {
    nodes: [Mutex<()>; NODES],
    postgres: Mutex<()>,
    redis: Mutex<()>,
}

impl Turns {
    async fn wait(&self, fault: &Fault) -> Option<MutexGuard<'_, ()>> {
        let turn = match fault {
            Fault::KillNode { node } | Fault::DrainNode { node } | Fault::PauseNode { node } => {
                &self.nodes[*node]
            }
            Fault::StopPostgres
            | Fault::KillPostgres
            | Fault::PausePostgres
            | Fault::TerminateBackends
            | Fault::CrashBeforeFlush
            | Fault::ReadOnlyPostgres
            | Fault::LockTable { .. }
            | Fault::Restore { .. }
            | Fault::AddLanes { .. } => &self.postgres,
            Fault::FlushRedis | Fault::KillRedis | Fault::PauseRedis => &self.redis,
            _ => return None,
        };
        Some(turn.lock().await)
    }
}

impl Ground {
    /// `planted` names a fault of the nodes, which must be built for that.
    pub(crate) async fn prepare(
        program: PathBuf,
        conditions: &Conditions,
        planted: Option<&str>,
    ) -> Result<Arc<Self>> {
        let mut options = StandOptions::new(program.clone());
        options.nodes = NODES;
        options.networks = true;
        options.clocks = true;
        let planted = planted.map(|name| ("TIDINGS_PLANTED".to_owned(), name.to_owned()));
        options.environment.extend(planted);
        options.postgres = PostgresOptions::new(Profile::Durable)
            .with("shared_buffers", "64MB")
            .with("max_wal_size", "256MB")
            .with("min_wal_size", "32MB");
        options.settings = conditions.settings();
        options.tables.push_str(&conditions.table());
        let stand = Stand::start(&options).await?;
        Ok(Arc::new(Self {
            stand,
            program,
            calm: RwLock::default(),
            restored: std::sync::Mutex::default(),
            dead: std::sync::Mutex::default(),
            turns: Turns::default(),
            effects: std::sync::Mutex::default(),
        }))
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        self.stand.nodes()
    }

    pub(crate) fn database_url(&self) -> String {
        self.stand.database_url()
    }

    pub(crate) fn redis_url(&self) -> String {
        self.stand.redis_url()
    }

    /// Addresses for clients, through the proxies.
    pub(crate) fn urls(&self) -> Vec<String> {
        let networks = self.stand.networks().iter();
        networks
            .map(|network| format!("ws://{}/ws", network.clients.address()))
            .collect()
    }

    /// The same for devices that show every frame.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let networks = self.stand.networks().iter();
        networks.map(|network| network.narrow.address()).collect()
    }

    /// Nothing that was acked is lost while this is held.
    pub(crate) async fn calm(&self) -> RwLockReadGuard<'_, ()> {
        self.calm.read().await
    }

    /// What was lost, where the log has gone back.
    pub(crate) fn restored(&self) -> Option<Restored> {
        self.restored
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps what has died as it is.
    pub(crate) fn bury(&self, proxy: ChaosProxy) {
        self.dead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(proxy);
    }

    pub(crate) fn count(&self, name: &'static str, count: u64) {
        self.effects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(name, count);
    }

    /// What the faults did, as far as it shows here, and what all nodes count of themselves.
    pub(crate) async fn effects(&self) -> Effects {
        for node in self.nodes() {
            self.scrape(node).await;
        }
        self.effects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps what a node has counted; when it starts again, it begins anew.
    async fn scrape(&self, node: &Node) {
        if let Some(metrics) = node.get("/metrics").await {
            self.effects
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .scrape(&metrics);
        }
    }

    /// Waits until every node says that it can serve.
    pub(crate) async fn ready(&self) -> Result<()> {
        for (number, node) in self.nodes().iter().enumerate() {
            node.ready().await.with_context(|| format!("node {number}"))?;
        }
        Ok(())
    }

    /// What the nodes have logged of panics.
    pub(crate) fn panics(&self) -> Vec<String> {
        let mut panics = Vec::new();
        for (number, node) in self.nodes().iter().enumerate() {
            let log = std::fs::read_to_string(node.log()).unwrap_or_default();
            let lines = log.lines().filter(|line| line.contains("panicked"));
            panics.extend(lines.map(|line| format!("node {number}: {line}")));
        }
        panics
    }

    pub(crate) async fn stop(self) {
        self.stand.stop().await;
    }
}

/// Starts a node again, and again if it ends at once because its stores are away, as a supervisor does.
async fn bring_back(node: &Node) -> Result<()> {
    let deadline = Instant::now() + RETURN_LIMIT;
    loop {
        node.launch(&[]).await?;
        // It has a limit of its own.
        match node.ready().await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= deadline => return Err(error.context("a node did not come back")),
            Err(_) => {
                node.kill().await;
                sleep(PAUSE).await;
            }
        }
    }
}
