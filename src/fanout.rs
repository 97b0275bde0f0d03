//! Fan-out between nodes over Redis Streams: one stream a lane, one packed entry a commit, ids that are positions.
//!
//! Redis is a cache of the log's end and never the truth. Losing it, or any part of it, costs latency: nodes see holes
//! by arithmetic on positions and read them from the log.

mod asks;
mod connection;
mod ephemeral;
mod packed;
mod probe;
mod publisher;
mod read_marks;
mod reader;
mod sweeper;

use crate::delivery::Hub;
use crate::lifecycle::Lifecycle;
use redis::Client;
use redis::aio::MultiplexedConnection;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tidings_eventlog::Log;
use tokio::sync::Notify;
use uuid::Uuid;

pub use asks::{Answering, Asks, Unanswered};
pub use connection::{RedisError, check};
pub use ephemeral::Ephemeral;
use ephemeral::EphemeralKeys;
pub use publisher::Publishing;
pub use read_marks::{ReadMark, ReadMarks};

/// Where Redis is and how much of the log's end it keeps.
#[derive(Clone)]
pub struct FanoutConfig {
    /// A `redis://` URL. It may hold a password, so it is never shown.
    pub redis_url: String,
    /// Certificates that are trusted instead of the system's, at a `rediss://` URL.
    pub redis_ca: Option<PathBuf>,
    /// Entries kept in each lane's stream, about.
    pub entries_max: usize,
    /// The longest wait for an answer of Redis.
    pub timeout: Duration,
    /// How often heads are compared while Redis works.
    pub sweep: Duration,
    /// How often the log is tailed while Redis is away.
    pub tail: Duration,
}

impl FanoutConfig {
    pub fn new(redis_url: String) -> Self {
        Self {
            redis_url,
            redis_ca: None,
            entries_max: 4096,
            timeout: Duration::from_secs(2),
            sweep: Duration::from_secs(1),
            tail: Duration::from_millis(100),
        }
    }
}

/// Whether Redis works: all of a node's readers are connected, and what is written is taken.
#[derive(Clone, Default)]
pub struct Health {
    readers: Arc<AtomicU32>,
    wanted: Arc<AtomicU32>,
    /// Publishers of which Redis has not taken what they offered last.
    failing: Arc<AtomicU32>,
    /// Whether the last probe was not taken either.
    refused: Arc<AtomicBool>,
    /// Something of it is otherwise than before.
    changed: Arc<Notify>,
}

impl Health {
    /// Whether events go from node to node over Redis just now.
    pub fn is_up(&self) -> bool {
        self.readers.load(Ordering::Relaxed) >= self.wanted.load(Ordering::Relaxed)
            && self.failing.load(Ordering::Relaxed) == 0
            && !self.refused.load(Ordering::Relaxed)
    }

    /// Waits until it may be otherwise than when this was last waited for. For one task alone.
    async fn changed(&self) {
        self.changed.notified().await;
    }

    /// There is one reader more that is to be connected.
    fn wants_another(&self) {
        self.wanted.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    fn connected(&self) {
        self.readers.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    fn disconnected(&self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// A publisher begins to fail.
    fn fails(&self) {
        self.failing.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// One that failed works again.
    fn recovers(&self) {
        self.failing.fetch_sub(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    fn probed(&self, is_taken: bool) {
        self.refused.store(!is_taken, Ordering::Relaxed);
        self.changed.notify_one();
    }
}

/// Names of keys, derived from the log's own id so that two databases never share one, and from the lane's time line so that
/// what the log has lost is not read again. The hash tag keeps a lane's keys in one slot of a cluster.
#[derive(Clone, Copy)]
struct Keys {
    log: Uuid,
}

impl Keys {
    fn lane(self, lane: u8, epoch: u32) -> String {
        format!("tidings:{}:{{{lane}}}:{epoch}:log", self.log.simple())
    }

    fn probe(self) -> String {
        format!("tidings:{}:{{w}}:probe", self.log.simple())
    }

    fn asks(self) -> String {
        format!("tidings:{}:{{a}}:asks", self.log.simple())
    }

    /// Where the answers to a question are.
    fn answers(self, question: &str) -> String {
        format!("tidings:{}:{{a}}:answers:{question}", self.log.simple())
    }

    fn ephemeral(self) -> EphemeralKeys {
        let key = |kind| format!("tidings:{}:{{e}}:{kind}", self.log.simple());
        EphemeralKeys {
            receipts: key("receipts"),
            typing: key("typing"),
        }
    }
}

/// The way to Redis, for other rooms that keep something there.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    timeout: Duration,
}

impl Redis {
    /// Connects. No answer takes longer than the fan-out's time-out.
    pub async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        connection::connect(&self.client, self.timeout).await
    }
}

/// Fan-out of one node.
pub struct Fanout {
    pub health: Health,
    pub ephemeral: Ephemeral,
    lifecycle: Lifecycle,
    config: FanoutConfig,
    log: Log,
    keys: Keys,
    client: Client,
    hub: Hub,
}

impl Fanout {
    /// Starts what lanes share. Works without Redis, and with it again once it is back.
    pub fn start(
        lifecycle: &Lifecycle,
        config: &FanoutConfig,
        log: &Log,
        log_id: Uuid,
        hub: &Hub,
    ) -> Result<Self, RedisError> {
        let client = connection::open(&config.redis_url, config.redis_ca.as_deref())?;
        let keys = Keys { log: log_id };
        let health = Health::default();
        lifecycle.spawn_for_life(
            "sweeper",
            sweeper::run(
                log.clone(),
                hub.clone(),
                health.clone(),
                config.clone(),
                lifecycle.stopping(),
            ),
        );
        let redis = Redis {
            client: client.clone(),
            timeout: config.timeout,
        };
        lifecycle.spawn_for_life(
            "Redis probe",
            probe::run(redis, keys.probe(), health.clone(), lifecycle.stopping()),
        );
        let ephemeral = Ephemeral::start(
            lifecycle,
            keys.ephemeral(),
            hub.clone(),
            client.clone(),
            config.clone(),
        );
        Ok(Self {
            health,
            ephemeral,
            lifecycle: lifecycle.clone(),
            config: config.clone(),
            log: log.clone(),
            keys,
            client,
            hub: hub.clone(),
        })
    }

    /// The way to Redis.
    pub fn redis(&self) -> Redis {
        Redis {
            client: self.client.clone(),
            timeout: self.config.timeout,
        }
    }

    /// The way to ask the other nodes.
    pub fn asks(&self) -> Asks {
        Asks::new(self.keys, self.client.clone(), self.config.clone())
    }

    /// Starts the tasks of a lane that the hub has. Returns the way to the other nodes.
    pub fn add(&self, lane: u8) -> Publishing {
        let (publishing, published) = Publishing::new();
        let (log, client, config) = (&self.log, &self.client, &self.config);
        let publisher = publisher::Publisher::new(
            lane,
            self.keys,
            log.clone(),
            client.clone(),
            config.clone(),
            self.health.clone(),
        );
        let stop = self.lifecycle.stopping();
        self.lifecycle
            .spawn_for_life("publisher", publisher.run(published, stop.clone()));
        self.health.wants_another();
        let reader = reader::Reader::new(
            lane,
            self.keys,
            log.clone(),
            self.hub.clone(),
            client.clone(),
            config.clone(),
            self.health.clone(),
        );
        self.lifecycle.spawn_for_life("fan-out reader", reader.run(stop));
        publishing
    }
}
