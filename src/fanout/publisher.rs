//! Publishes one lane's commits, and fills the holes that nodes left which died between commit and publish.

use super::packed::pack;
use super::{FanoutConfig, connection};
use crate::lanes::Committed;
use redis::aio::MultiplexedConnection;
use redis::{Client, Script};
use std::time::Duration;
use tidings_eventlog::{Log, Recorded};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The longest hole that is filled; a longer one is jumped, and readers take it from the log.
const HOLE_MAX: u64 = 20_000;
/// Events in one entry, about.
const ENTRY_EVENTS: usize = 2_000;
/// Pause after Redis failed. Meanwhile the queue overflows, which loses nothing but speed.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Publisher {
    lane: u8,
    key: String,
    log: Log,
    client: Client,
    config: FanoutConfig,
    script: Script,
    connection: Option<MultiplexedConnection>,
}

impl Publisher {
    pub(super) fn new(lane: u8, key: String, log: Log, client: Client, config: FanoutConfig) -> Self {
        let script = Script::new(include_str!("publish.lua"));
        Self {
            lane,
            key,
            log,
            client,
            config,
            script,
            connection: None,
        }
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Committed>, stop: CancellationToken) {
        let mut taken = vec![];
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                count = queue.recv_many(&mut taken, 64) => if count == 0 { return },
            }
            for range in merge(&mut taken) {
                if let Err(error) = self.publish(&range).await {
                    tracing::debug!(lane = self.lane, kind = ?error.kind(), "a range was not published");
                    metrics::counter!("tidings_publish_failed_total").increment(1);
                    self.connection = None;
                    tokio::time::sleep(PAUSE).await;
                    break;
                }
            }
        }
    }

    async fn publish(&mut self, range: &[Recorded]) -> redis::RedisResult<()> {
        let Some(first) = range.first().map(|event| event.pos) else {
            return Ok(());
        };
        let have = self.add(range, false).await?;
        let Some(have) = have else { return Ok(()) };
        // Somebody committed before us and has not published. Our own commit proves that the log has all of it.
        let mut at = have;
        if first - have <= HOLE_MAX {
            while at + 1 < first {
                let Ok(missing) = self.log.lane(self.lane, at, first - 1, ENTRY_EVENTS).await else {
                    break;
                };
                let Some(last) = missing.last().map(|event| event.pos) else {
                    break;
                };
                self.add(&missing, false).await?;
                at = last;
                metrics::counter!("tidings_publish_filled_total").increment(missing.len() as u64);
            }
        }
        self.add(range, true).await.map(|_| ())
    }

    /// Adds a range; answers the last position of the stream when it refused for a hole.
    async fn add(&mut self, range: &[Recorded], jump: bool) -> redis::RedisResult<Option<u64>> {
        let (Some(first), Some(last)) = (range.first(), range.last()) else {
            return Ok(None);
        };
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connection::connect(&self.client, self.config.timeout).await?,
        };
        let answer: String = self
            .script
            .key(&self.key)
            .arg(first.pos)
            .arg(last.pos)
            .arg(pack(range))
            .arg(self.config.entries_max)
            .arg(u8::from(jump))
            .invoke_async(&mut connection)
            .await?;
        self.connection = Some(connection);
        Ok(answer.parse().ok())
    }
}

/// Joins ranges that follow each other, so that a backlog costs one entry and not many.
fn merge(taken: &mut Vec<Committed>) -> Vec<Vec<Recorded>> {
    let mut merged: Vec<Vec<Recorded>> = vec![];
    for range in taken.drain(..) {
        let Some(first) = range.first() else { continue };
        match merged.last_mut() {
            Some(open)
                if open.len() + range.len() <= ENTRY_EVENTS
                    && open.last().is_some_and(|event| event.pos + 1 == first.pos) =>
            {
                open.extend(range.iter().cloned());
            }
            _ => merged.push(range.to_vec()),
        }
    }
    merged
}
