//! What this node says of its users in Redis, and the lease without which nobody believes it.
//!
//! Redis is written to when somebody comes or goes, and once for the whole node to renew the lease: who just stays costs nothing.
//! What Redis has lost is said again from memory.

use super::PresenceConfig;
use super::circle::Tables;
use super::here::{Change, Device};
use super::keys::Keys;
use super::last_seen::Departures;
use super::local::Local;
use crate::fanout::Redis;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::presence::{Shown, Status};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Whether somebody who is shown so is in a set.
type IsIn = fn(Shown) -> bool;

/// Entries that the stream of changes keeps, about.
pub(super) const CHANGES_KEPT: usize = 20_000;
/// Users of whom something is said at once.
const AT_ONCE: usize = 500;
/// The same where all are said again, within one transaction.
const AGAIN_AT_ONCE: usize = 1_000;
/// How long changes are gathered, so that a storm of connections is few commands.
const GATHER: Duration = Duration::from_millis(50);
/// Pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// The node's word in Redis.
pub(super) struct Lease {
    redis: Redis,
    keys: Keys,
    node: Uuid,
    config: PresenceConfig,
    local: Arc<Local>,
    departures: Departures,
    tables: Tables,
    connection: Option<MultiplexedConnection>,
    /// Whether Redis has all that this node has said, as far as is known.
    is_whole: bool,
    /// How many users Redis has as there.
    there: usize,
    renew_at: Instant,
}

impl Lease {
    pub(super) fn new(
        redis: Redis,
        keys: Keys,
        node: Uuid,
        config: PresenceConfig,
        local: Arc<Local>,
        departures: Departures,
        tables: Tables,
    ) -> Self {
        Self {
            redis,
            keys,
            node,
            config,
            local,
            departures,
            tables,
            connection: None,
            is_whole: false,
            there: 0,
            renew_at: Instant::now(),
        }
    }

    /// Keeps it up until the node stops, and takes it back then.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let due_at = self.local.here().due_at();
            let next = due_at.map_or(self.renew_at, |due| due.min(self.renew_at));
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.local.stirred() => sleep(GATHER).await,
                () = sleep_until(next) => {}
            }
            if let Err(error) = self.say().await {
                tracing::debug!(kind = ?error.kind(), "who is here could not be said");
                metrics::counter!("tidings_presence_failures_total").increment(1);
                (self.connection, self.is_whole) = (None, false);
                self.renew_at = Instant::now() + PAUSE;
                sleep(PAUSE).await;
            }
        }
        self.take_back().await;
    }

    /// Says what is new, or all where Redis may not have it, and renews the lease when it is time.
    async fn say(&mut self) -> RedisResult<()> {
        // Taken whether or not it can be said: what cannot is said with everything later.
        loop {
            let now = Instant::now();
            let changes = self.local.here().take(now, AT_ONCE);
            if changes.is_empty() {
                break;
            }
            self.departures.note(&changes);
            if self.is_whole {
                self.change(&changes).await?;
            }
        }
        if self.is_whole && Instant::now() >= self.renew_at {
            self.is_whole = self.renew().await?;
            self.renew_at = Instant::now() + self.config.renew();
        }
        if !self.is_whole {
            self.say_all().await?;
            self.is_whole = true;
            self.renew_at = Instant::now() + self.config.renew();
        }
        Ok(())
    }

    async fn change(&mut self, changes: &[Change]) -> RedisResult<()> {
        let mut command = self.script(include_str!("change.lua"));
        command.arg(self.node.as_bytes()).arg(CHANGES_KEPT);
        let mut moved = 0;
        for change in changes {
            let is_new = change.was != change.shown;
            moved += u64::from(is_new);
            command
                .arg(change.user.0.as_bytes())
                .arg(name(change.shown))
                .arg(u8::from(is_new))
                .arg(connections(&change.devices));
            self.there += usize::from(change.shown.is_there());
            self.there -= usize::from(change.was.is_there());
        }
        metrics::counter!("tidings_presence_changes_total").increment(moved);
        let said: u8 = command.query_async(self.connected().await?).await?;
        self.is_whole = said == 1;
        Ok(())
    }

    /// Returns whether Redis had what was to be renewed.
    async fn renew(&mut self) -> RedisResult<bool> {
        let command = self.renewal(false);
        let renewed: u8 = command.query_async(self.connected().await?).await?;
        Ok(renewed == 1)
    }

    /// Says all in one transaction, so that nobody reads a part of it for the whole.
    async fn say_all(&mut self) -> RedisResult<()> {
        let everybody = self.local.here().all();
        let of_node = self.keys.of(self.node);
        let mut all = redis::pipe();
        all.atomic();
        for key in of_node.all() {
            all.cmd("DEL").arg(key);
        }
        for part in everybody.chunks(AGAIN_AT_ONCE) {
            let sets: [(&str, IsIn); 4] = [
                (&of_node.on, Shown::is_there),
                (&of_node.away, |shown| shown == Shown::Away),
                (&of_node.dnd, |shown| shown == Shown::Dnd),
                (&of_node.hidden, |shown| shown == Shown::Hidden),
            ];
            for (key, is_in) in sets {
                add_to_set(&mut all, key, part.iter().filter(|change| is_in(change.shown)));
            }
            let connected: Vec<&Change> = part.iter().filter(|change| !change.devices.is_empty()).collect();
            if !connected.is_empty() {
                let command = all.cmd("HSET").arg(&of_node.connections);
                for change in connected {
                    command
                        .arg(change.user.0.as_bytes())
                        .arg(connections(&change.devices));
                }
            }
        }
        self.there = everybody.iter().filter(|change| change.shown.is_there()).count();
        all.add_command(self.renewal(true));
        metrics::counter!("tidings_presence_refills_total").increment(1);
        let _: redis::Value = all.query_async(self.connected().await?).await?;
        Ok(())
    }

    /// The node goes: those who watch its users wait a grace for them to come to another.
    async fn take_back(mut self) {
        let there = self.local.here().all();
        let mut all = redis::pipe();
        all.atomic();
        for key in self.keys.of(self.node).all() {
            all.cmd("DEL").arg(key);
        }
        all.cmd("ZREM").arg(self.keys.nodes()).arg(self.node.as_bytes());
        all.cmd("XADD")
            .arg(self.keys.changes())
            .arg("MAXLEN")
            .arg("~")
            .arg(CHANGES_KEPT)
            .arg("*")
            .arg("n")
            .arg(self.node.as_bytes())
            .arg("k")
            .arg("left");
        let gone = async { all.query_async::<redis::Value>(self.connected().await?).await };
        // Otherwise the lease runs out.
        let _ = gone.await;
        self.departures.end(&there, &self.tables).await;
    }

    fn renewal(&self, is_all: bool) -> redis::Cmd {
        let mut command = self.script(include_str!("renew.lua"));
        command
            .arg(self.node.as_bytes())
            .arg(self.config.lease_ms)
            .arg(CHANGES_KEPT)
            .arg(self.there)
            .arg(u8::from(is_all));
        command
    }

    fn script(&self, text: &str) -> redis::Cmd {
        let mut command = redis::cmd("EVAL");
        command
            .arg(text)
            .arg(7)
            .arg(self.keys.nodes())
            .arg(self.keys.changes());
        for key in self.keys.of(self.node).all() {
            command.arg(key);
        }
        command
    }

    async fn connected(&mut self) -> RedisResult<&mut MultiplexedConnection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(self.redis.connect().await?)),
        }
    }
}

fn add_to_set<'a>(all: &mut Pipeline, key: &str, users: impl Iterator<Item = &'a Change>) {
    let mut users = users.peekable();
    if users.peek().is_some() {
        let command = all.cmd("SADD").arg(key);
        for change in users {
            command.arg(change.user.0.as_bytes());
        }
    }
}

/// How somebody is there, as it is called in Redis.
pub(super) fn name(shown: Shown) -> &'static str {
    match shown {
        Shown::Offline => "offline",
        Shown::Away => "away",
        Shown::Dnd => "dnd",
        Shown::Online => "online",
        Shown::Hidden => "hidden",
    }
}

/// The connections of a user, as other services read them; empty where there are none.
fn connections(devices: &[Device]) -> String {
    #[derive(Serialize)]
    struct Connection<'a> {
        session: Uuid,
        device: &'a str,
        since: i64,
        status: &'static str,
    }
    if devices.is_empty() {
        return String::new();
    }
    let connections: Vec<Connection<'_>> = devices
        .iter()
        .map(|device| Connection {
            session: device.session,
            device: &device.device,
            since: device.since.timestamp_millis(),
            status: match device.status {
                Status::Online => "online",
                Status::Away => "away",
                Status::Dnd => "dnd",
                Status::Invisible => "invisible",
            },
        })
        .collect();
    serde_json::to_string(&connections).expect("texts and numbers always serialize")
}
