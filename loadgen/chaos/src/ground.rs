//! The servers of a run, and how each fault is done to them and undone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tidings_services::{ChaosProxy, Harm, PostgresOptions, Profile};
use tidings_stand::{Network, Node, Stand, StandOptions};
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};
use tokio::time::{Instant, sleep, timeout};

use crate::conditions::Conditions;
use crate::effects::{Effects, shown_by};
use crate::fault::{End, Fault, NODES, Weather};
use crate::scribe::Clock;
use crate::store::{self, BackUp, Locked, Restored, Unflushed};

mod older;

/// How long a node that is started again may take, with stores that are still broken meanwhile.
const RETURN_LIMIT: Duration = Duration::from_mins(2);
/// How long a node may take to drain.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);
/// After which a server gives up a session that the network has forgotten. Real ones take longer.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long a command of the program may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// A supervisor's pause before it starts a node again that has ended.
const PAUSE: Duration = Duration::from_millis(200);
/// How exactly a node's clock is seen.
const CLOCK_SECONDS: i64 = 2;

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

    /// Does a fault to the servers for its time, and undoes it. Faults that are a matter of clients are left alone.
    pub(crate) async fn suffer(&self, fault: &Fault, lasts: Duration) -> Result<()> {
        let _turn = self.turns.wait(fault).await;
        let (postgres, redis) = (self.stand.postgres(), self.stand.redis());
        let mut effect = 1;
        match *fault {
            Fault::KillNode { node } => {
                let node = &self.nodes()[node];
                effect = u64::from(node.pid().is_some());
                self.scrape(node).await;
                node.kill().await;
                sleep(lasts).await;
                bring_back(node).await?;
            }
            Fault::DrainNode { node } => {
                let node = &self.nodes()[node];
                effect = u64::from(node.pid().is_some());
                self.scrape(node).await;
                node.stop(DRAIN_LIMIT).await;
                sleep(lasts).await;
                bring_back(node).await?;
            }
            Fault::OlderNode { node, kind } => effect = self.be_older(node, kind, lasts).await?,
            Fault::PauseNode { node } => {
                let node = &self.nodes()[node];
                node.pause();
                effect = u64::from(node.pid().is_some());
                sleep(lasts).await;
                node.resume();
            }
            Fault::StepClock { node, seconds } => {
                effect = 0;
                if let Some(clock) = self.nodes()[node].clock() {
                    clock.step(seconds)?;
                    sleep(lasts).await;
                    effect = u64::from(steps(&self.nodes()[node], seconds).await);
                    clock.step(0)?;
                }
            }
            Fault::StopPostgres => {
                postgres.stop_immediate().await?;
                sleep(lasts).await;
                postgres.restart().await?;
            }
            Fault::KillPostgres => {
                postgres.kill().await?;
                sleep(lasts).await;
                postgres.restart().await?;
            }
            Fault::PausePostgres => {
                postgres.pause().await?;
                sleep(lasts).await;
                postgres.resume().await?;
            }
            Fault::TerminateBackends => effect = store::terminate_sessions(&self.database_url()).await?,
            Fault::CrashBeforeFlush => {
                // Where that is not reached it is a crash all the same.
                let unflushed = Unflushed::reach(&self.database_url()).await.ok();
                postgres.kill().await?;
                sleep(lasts).await;
                postgres.restart().await?;
                effect = match &unflushed {
                    Some(unflushed) => store::taken_back(&self.database_url(), &unflushed.folds).await?,
                    None => 0,
                };
                self.drop_clients(Duration::ZERO).await;
            }
            Fault::ReadOnlyPostgres => {
                effect = u64::from(store::set_read_only(&self.database_url(), true).await?);
                sleep(lasts).await;
                store::set_read_only(&self.database_url(), false).await?;
            }
            Fault::LockTable { table } => {
                let locked = Locked::take(&self.database_url(), table).await?;
                sleep(lasts).await;
                effect = match locked {
                    Some(locked) => locked.let_go().await?,
                    None => 0,
                };
            }
            Fault::AddLanes { lanes } => {
                self.add_lanes(lanes).await?;
                // What is in them is counted in the end.
                effect = 0;
            }
            Fault::FlushRedis => effect = store::flush(&self.redis_url()).await?,
            Fault::KillRedis => {
                redis.kill().await?;
                sleep(lasts).await;
                redis.restart().await?;
            }
            Fault::PauseRedis => {
                redis.pause().await?;
                sleep(lasts).await;
                redis.resume().await?;
            }
            Fault::Link { node, end, weather } => {
                let proxies = proxies(&self.stand.networks()[node], end);
                let before = harm(&proxies);
                for proxy in &proxies {
                    match weather {
                        Weather::Cut => proxy.cut().await,
                        Weather::Stalled | Weather::Silent => proxy.stall(),
                        Weather::Delayed { ms } => proxy.delay(ms),
                    }
                }
                sleep(lasts).await;
                for proxy in &proxies {
                    if weather == Weather::Silent {
                        proxy.strand();
                    }
                    proxy.delay(0);
                    proxy.restore();
                }
                if weather == Weather::Silent && end != End::Clients {
                    sleep(KEEPALIVE).await;
                    for proxy in &proxies {
                        proxy.give_up_stranded();
                    }
                }
                let after = harm(&proxies);
                effect = match weather {
                    Weather::Cut => after.cut - before.cut,
                    Weather::Stalled | Weather::Silent => after.held - before.held,
                    Weather::Delayed { .. } => after.late - before.late,
                };
            }
            Fault::ReconnectStorm => effect = self.drop_clients(lasts).await,
            Fault::StallReader { .. }
            | Fault::SlowReader { .. }
            | Fault::Replace { .. }
            | Fault::CutCatchUp { .. }
            | Fault::Restore { .. }
            // Whoever does these counts them.
            | Fault::Away { .. }
            | Fault::Remove { .. }
            | Fault::Hostile { .. }
            | Fault::RetryStorm { .. }
            | Fault::OpenTogether => effect = 0,
        }
        self.count(shown_by(fault), effect);
        Ok(())
    }

    /// Nothing that was acked is lost while this is held.
    pub(crate) async fn calm(&self) -> RwLockReadGuard<'_, ()> {
        self.calm.read().await
    }

    /// The log goes back to where it was `age` ago, and a new time line begins.
    pub(crate) async fn restore(&self, stopped: bool, age: Duration, clock: Clock) -> Result<()> {
        let _alone = self.calm.write().await;
        let _turn = self.turns.wait(&Fault::Restore { stopped }).await;
        let back_up = BackUp::take(&self.database_url()).await?;
        sleep(age).await;
        back_up.age().await?;
        let mut turns = Vec::new();
        if stopped {
            for (node, turn) in self.nodes().iter().zip(&self.turns.nodes) {
                turns.push(turn.lock().await);
                self.scrape(node).await;
                node.kill().await;
            }
        }
        let restored = back_up.restore(clock).await?;
        self.tidings(&["recover"]).await.context("not recovered")?;
        if stopped {
            for node in self.nodes() {
                bring_back(node).await?;
            }
        }
        let lacked = restored.lost.len().saturating_sub(restored.kept.len());
        self.count(shown_by(&Fault::Restore { stopped }), lacked as u64);
        *self.restored.lock().unwrap_or_else(PoisonError::into_inner) = Some(restored);
        Ok(())
    }

    /// What was lost, where the log has gone back.
    pub(crate) fn restored(&self) -> Option<Restored> {
        self.restored
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// All clients lose their connections; those that they try to make meanwhile, too. Answers how many that were.
    async fn drop_clients(&self, lasts: Duration) -> u64 {
        let networks = self.stand.networks().iter();
        let all: Vec<_> = networks
            .flat_map(|network| proxies(network, End::Clients))
            .collect();
        let before = harm(&all);
        join_all(all.iter().map(|proxy| proxy.cut())).await;
        sleep(lasts).await;
        let dropped = harm(&all).cut - before.cut;
        for proxy in all {
            proxy.restore();
        }
        dropped
    }

    /// As an operator does who finds the database away for a moment.
    async fn add_lanes(&self, lanes: u16) -> Result<()> {
        let deadline = Instant::now() + RETURN_LIMIT;
        loop {
            let said = self.tidings(&["migrate", "--lanes", &lanes.to_string()]).await;
            match said {
                Err(_) if Instant::now() < deadline => sleep(PAUSE).await,
                said => return said.context("no lanes could be added"),
            }
        }
    }

    /// Runs a command of the program on the database itself.
    async fn tidings(&self, command: &[&str]) -> Result<()> {
        let running = Command::new(&self.program)
            .args(command)
            .env("TIDINGS_DATABASE_URL", self.database_url())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(COMMAND_LIMIT, running)
            .await
            .context("it did not end in time")??;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
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

/// Whether a node's clock differs from the right time by about so many seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the right time is what a node's clock is compared with"
)]
async fn steps(node: &Node, seconds: i64) -> bool {
    let Some(answer) = node.get("/healthz").await else {
        return false;
    };
    let date = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let date = name.eq_ignore_ascii_case("date").then_some(value.trim())?;
        DateTime::parse_from_rfc2822(date).ok()
    });
    date.is_some_and(|date| {
        let differs = date.timestamp() - Utc::now().timestamp();
        (differs - seconds).abs() <= CLOCK_SECONDS
    })
}

/// What has been done by all of these.
fn harm(proxies: &[&ChaosProxy]) -> Harm {
    proxies.iter().fold(Harm::default(), |sum, proxy| {
        let Harm { cut, held, late } = proxy.harm();
        Harm {
            cut: sum.cut + cut,
            held: sum.held + held,
            late: sum.late + late,
        }
    })
}

fn proxies(network: &Network, end: End) -> Vec<&ChaosProxy> {
    match end {
        End::Postgres => vec![&network.postgres],
        End::Redis => vec![&network.redis],
        End::Clients => vec![&network.clients, &network.narrow],
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
