//! The task that tells Redis what was used, and hears what all nodes together have given. The only one that asks Redis about rates.

use super::share::Share;
use crate::fanout::Redis;
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often Redis is told, in one go.
const ROUND: Duration = Duration::from_millis(100);
/// Of how many users and addresses it is told at once; the others wait in line.
const AT_ONCE: usize = 1_000;
/// Pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// What counts.
const COUNT: &str = include_str!("count.lua");

pub(super) struct Teller {
    redis: Redis,
    /// The log's own id, from which names of keys derive.
    log: Uuid,
    script: Script,
    connection: Option<MultiplexedConnection>,
}

impl Teller {
    pub(super) fn new(redis: Redis, log: Uuid) -> Self {
        Self {
            redis,
            log,
            script: Script::new(COUNT),
            connection: None,
        }
    }

    /// Tells Redis of those in line, until the node stops.
    pub(super) async fn run(self, line: mpsc::Receiver<Arc<Share>>, stop: CancellationToken) {
        stop.run_until_cancelled(self.tell_all(line)).await;
        // A task that ends before the node does is taken for a failure.
        stop.cancelled().await;
    }

    async fn tell_all(mut self, mut line: mpsc::Receiver<Arc<Share>>) {
        let mut shares = Vec::new();
        while line.recv_many(&mut shares, AT_ONCE).await > 0 {
            let began = Instant::now();
            if let Err(error) = self.tell(&shares).await {
                tracing::debug!(kind = ?error.kind(), "what was used of rates could not be told");
                metrics::counter!("tidings_rates_failures_total").increment(1);
                self.connection = None;
                sleep(PAUSE).await;
                // Each node has been alone for a while. Those who came into line after that are told of again.
                for _ in 0..line.len() {
                    shares.extend(line.try_recv());
                }
                for share in &shares {
                    share.forget();
                }
            }
            shares.clear();
            sleep_until(began + ROUND).await;
        }
    }

    /// Tells Redis of these in one go, and hears what it says.
    async fn tell(&mut self, shares: &[Arc<Share>]) -> RedisResult<()> {
        let mut connection = self.connected().await?;
        let mut all = redis::pipe();
        let mut told = Vec::with_capacity(shares.len());
        for share in shares {
            let Some((used, owed_max)) = share.tell() else {
                continue;
            };
            all.cmd("EVALSHA")
                .arg(self.script.get_hash())
                .arg(1)
                .arg(share.key(self.log))
                .arg(used.as_micros() as u64)
                .arg(owed_max.as_micros() as u64);
            told.push(share);
        }
        if told.is_empty() {
            return Ok(());
        }
        let asked = Instant::now();
        let rests: Vec<u64> = all.query_async(&mut connection).await?;
        for (share, rest) in told.iter().zip(rests) {
            share.heard(Duration::from_micros(rest), asked);
        }
        metrics::counter!("tidings_rates_told_total").increment(told.len() as u64);
        Ok(())
    }

    /// A connection at which Redis knows the script.
    async fn connected(&mut self) -> RedisResult<MultiplexedConnection> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let mut connection = self.redis.connect().await?;
        let _: String = redis::cmd("SCRIPT")
            .arg("LOAD")
            .arg(COUNT)
            .query_async(&mut connection)
            .await?;
        Ok(self.connection.insert(connection).clone())
    }
}
