//! What this node says of its users in Redis, and the lease without which nobody believes it.
//!
//! Redis is written to when somebody comes or goes, and once for the whole node to renew the lease: who just stays costs nothing.
//! What Redis has lost is said again from memory.

use super::PresenceConfig;
use super::circle::Tables;
use super::here::{Change, Device};
use super::keys::{Keys, OfNode};
use super::last_seen::Departures;
use super::local::Local;
use super::word::{AT_ONCE, Sizes, Step, Word};
use crate::fanout::Redis;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_domain::presence::{Shown, Status};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Whether somebody who is shown so is in a set.
type IsIn = fn(Shown) -> bool;

/// Entries that the stream of changes keeps, about.
pub(super) const CHANGES_KEPT: usize = 20_000;
/// Users who are written at once where all are said again.
const AGAIN_AT_ONCE: usize = 1_000;
/// How long changes are gathered, so that a storm of connections is few commands.
const GATHER: Duration = Duration::from_millis(50);
/// Pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether Redis does not take the node's word at present, be it that it is away, full, or may not write. That leases of other nodes run
/// out says nothing then: they are not heard either.
#[derive(Clone, Debug, Default)]
pub(super) struct Unheard(Arc<AtomicBool>);

impl Unheard {
    pub(super) fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, unheard: bool) {
        self.0.store(unheard, Ordering::Relaxed);
    }
}

/// The node's word in Redis.
pub(super) struct Lease {
    redis: Redis,
    keys: Keys,
    node: Uuid,
    config: PresenceConfig,
    local: Arc<Local>,
    departures: Departures,
    tables: Tables,
    unheard: Unheard,
    connection: Option<MultiplexedConnection>,
    word: Word,
    /// When all was said last. Redis may have lost what other nodes had said, too, and they say it again within a lease.
    said_all_at: Instant,
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
        let now = Instant::now();
        let word = Word::new(config.lease(), config.renew(), now);
        Self {
            redis,
            keys,
            node,
            config,
            local,
            departures,
            tables,
            unheard: Unheard::default(),
            connection: None,
            word,
            said_all_at: now,
        }
    }

    pub(super) fn unheard(&self) -> Unheard {
        self.unheard.clone()
    }

    /// Keeps it up until the node stops, and takes it back then.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let (due_at, renew_at) = (self.local.here().due_at(), self.word.renew_at());
            let next = due_at.map_or(renew_at, |due| due.min(renew_at));
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.local.stirred() => sleep(GATHER).await,
                () = sleep_until(next) => {}
            }
            let said = self.say().await;
            self.unheard.set(!matches!(said, Ok(true)));
            let failure = match said {
                Ok(true) => continue,
                Ok(false) => None,
                Err(error) => Some(error.kind()),
            };
            tracing::debug!(?failure, "who is here could not be said");
            metrics::counter!("tidings_presence_failures_total").increment(1);
            self.connection = None;
            self.word.failed(Instant::now());
            sleep(PAUSE).await;
        }
        self.take_back().await;
    }

    /// Says what is new, or all where Redis may not have it, and renews the lease when it is time. Returns whether Redis has it now.
    async fn say(&mut self) -> RedisResult<bool> {
        loop {
            let step = self.word.next(&mut self.local.here(), Instant::now());
            match step {
                Step::Rest => {
                    if self.ask_who_hides().await? {
                        return Ok(true);
                    }
                }
                Step::Say => self.change().await?,
                Step::Renew => self.renew().await?,
                Step::All => {
                    if !self.say_all().await? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    async fn change(&mut self) -> RedisResult<()> {
        let changes = self.word.saying();
        let seen = self.departures.note(changes);
        let mut command = self.script(include_str!("change.lua"), &[]);
        let number = self.word.number();
        command
            .arg(self.node.as_bytes())
            .arg(CHANGES_KEPT)
            .arg(number)
            .arg(number + 1);
        let mut moved = 0;
        for change in changes {
            let is_new = change.was != change.shown;
            moved += u64::from(is_new);
            command
                .arg(change.user.0.as_bytes())
                .arg(name(change.shown))
                .arg(u8::from(is_new))
                .arg(connections(&change.devices));
        }
        // Of the same moment: whoever goes everywhere at once was not seen in between.
        let mut all = redis::pipe();
        all.atomic().add_command(command).add_command(self.hiding(&seen));
        let (said, hidden): (u8, Vec<bool>) = all.query_async(self.connected().await?).await?;
        metrics::counter!("tidings_presence_changes_total").increment(moved);
        self.departures
            .answered(&seen, &hidden, said == 1 && self.hears_all());
        self.word.said(said == 1);
        Ok(())
    }

    /// Whether nodes that live have said in Redis who hides, also where it had lost that.
    fn hears_all(&self) -> bool {
        Instant::now() >= self.said_all_at + self.config.lease()
    }

    /// Asks about those of whom it is not known whether they hide elsewhere, where that can be heard. A Redis that has just lost what this node
    /// has said has lost what others have, too: both are asked in one step. Returns whether it has not.
    async fn ask_who_hides(&mut self) -> RedisResult<bool> {
        while self.hears_all() {
            let users = self.departures.unsure(AT_ONCE);
            if users.is_empty() {
                break;
            }
            let mut all = redis::pipe();
            all.atomic()
                .add_command(self.renewal(self.word.number(), self.word.sizes(), false))
                .add_command(self.hiding(&users));
            let began = Instant::now();
            let (renewed, hidden): (u8, Vec<bool>) = all.query_async(self.connected().await?).await?;
            self.word.renewed(renewed == 1, began);
            if renewed != 1 {
                return Ok(false);
            }
            self.departures.answered(&users, &hidden, true);
        }
        Ok(true)
    }

    async fn renew(&mut self) -> RedisResult<()> {
        let command = self.renewal(self.word.number(), self.word.sizes(), false);
        let began = Instant::now();
        let renewed: u8 = command.query_async(self.connected().await?).await?;
        self.word.renewed(renewed == 1, began);
        Ok(())
    }

    /// Says all, a part at a time where nobody reads it, and puts it in its place in one step, so that nobody takes a part of it for the
    /// whole. Returns whether all of it was there then.
    async fn say_all(&mut self) -> RedisResult<bool> {
        let everybody = self.everybody();
        let sizes = Sizes::of(&everybody);
        metrics::counter!("tidings_presence_refills_total").increment(1);
        let anew = self.keys.anew(self.node);
        let mut first = redis::pipe();
        for key in anew.all() {
            first.cmd("UNLINK").arg(key);
        }
        let _: redis::Value = first.query_async(self.connected().await?).await?;
        for part in everybody.chunks(AGAIN_AT_ONCE) {
            let commands = self.part(&anew, part);
            let _: redis::Value = commands.query_async(self.connected().await?).await?;
        }
        let command = self.renewal(self.word.number() + 1, sizes, true);
        let began = Instant::now();
        let said: u8 = command.query_async(self.connected().await?).await?;
        if said == 1 {
            self.word.said_all(sizes, began);
            self.said_all_at = Instant::now();
        }
        Ok(said == 1)
    }

    /// Everybody who is here. What was not said yet is said with it.
    fn everybody(&self) -> Vec<Change> {
        let mut here = self.local.here();
        loop {
            let changes = here.take(Instant::now(), AT_ONCE);
            if changes.is_empty() {
                return here.all();
            }
            self.departures.note(&changes);
        }
    }

    /// Adds some users to sets that are written anew, which end by themselves where they are not finished.
    fn part(&self, anew: &OfNode, users: &[Change]) -> Pipeline {
        let mut all = redis::pipe();
        let sets: [(&str, IsIn); 4] = [
            (&anew.on, Shown::is_there),
            (&anew.away, |shown| shown == Shown::Away),
            (&anew.dnd, |shown| shown == Shown::Dnd),
            (&anew.hidden, |shown| shown == Shown::Hidden),
        ];
        for (key, is_in) in sets {
            add_to_set(&mut all, key, users.iter().filter(|change| is_in(change.shown)));
        }
        let connected: Vec<&Change> = users.iter().filter(|change| !change.devices.is_empty()).collect();
        if !connected.is_empty() {
            let command = all.cmd("HSET").arg(&anew.connections);
            for change in connected {
                command
                    .arg(change.user.0.as_bytes())
                    .arg(connections(&change.devices));
            }
        }
        for key in anew.all() {
            all.cmd("PEXPIRE").arg(key).arg(self.config.lease_ms);
        }
        all
    }

    /// The node goes: those who watch its users wait a grace for them to come to another.
    async fn take_back(mut self) {
        let there = self.local.here().all();
        self.departures.end(&there);
        let mut all = redis::pipe();
        all.atomic();
        let of_node = self.keys.of(self.node);
        for key in of_node.all().into_iter().chain([of_node.said.as_str()]) {
            all.cmd("UNLINK").arg(key);
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
        let gone = async {
            self.ask_who_hides().await?;
            all.query_async::<redis::Value>(self.connected().await?).await
        };
        // Otherwise the lease runs out, and nothing is written of those who may hide elsewhere.
        let _ = gone.await;
        self.departures.write(&self.tables).await;
    }

    fn renewal(&self, number: u64, sizes: Sizes, is_anew: bool) -> redis::Cmd {
        let anew = self.keys.anew(self.node);
        let mut command = self.script(include_str!("renew.lua"), &anew.all());
        command
            .arg(self.node.as_bytes())
            .arg(self.config.lease_ms)
            .arg(CHANGES_KEPT)
            .arg(number);
        for size in [sizes.on, sizes.away, sizes.dnd, sizes.hidden] {
            command.arg(size);
        }
        command.arg(u8::from(is_anew));
        command
    }

    /// Asks which of these users hide on other nodes.
    fn hiding(&self, users: &[UserId]) -> redis::Cmd {
        let mut command = redis::cmd("EVAL");
        command
            .arg(include_str!("hidden.lua"))
            .arg(1)
            .arg(self.keys.nodes())
            .arg(self.node.as_bytes())
            .arg(self.keys.hidden());
        for user in users {
            command.arg(user.0.as_bytes());
        }
        command
    }

    fn script(&self, text: &str, more: &[&str]) -> redis::Cmd {
        let of_node = self.keys.of(self.node);
        let (nodes, changes) = (self.keys.nodes(), self.keys.changes());
        let mut keys = vec![nodes.as_str(), changes.as_str()];
        keys.extend(of_node.all());
        keys.push(&of_node.said);
        keys.extend(more);
        let mut command = redis::cmd("EVAL");
        command.arg(text).arg(keys.len()).arg(keys);
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
