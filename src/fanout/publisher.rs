//! Publishes one lane's commits, and fills the holes that nodes left which died between commit and publish.

use super::packed::pack;
use super::{FanoutConfig, Health, Keys, connection};
use metrics::Counter;
use redis::aio::MultiplexedConnection;
use redis::{Client, Script};
use std::sync::Arc;
use std::time::Duration;
use tidings_eventlog::{Committed, Log, Recorded};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The longest hole that is filled; a longer one is jumped, and readers take it from the log.
const HOLE_MAX: u64 = 20_000;
/// Events in one entry, and their bytes, about.
const ENTRY_EVENTS: usize = 2_000;
const ENTRY_BYTES: usize = 1 << 20;
/// Events of a hole that are read at once.
const HOLE_EVENTS: usize = 250;
/// Bytes that a lane's stream keeps, about: the larger its entries are, the fewer.
const STREAM_BYTES: usize = 64 << 20;
/// Pause after Redis failed. Meanwhile the queue overflows, which loses nothing but speed.
const PAUSE: Duration = Duration::from_millis(500);

/// Ranges that may wait for a lane's publisher, and their KiB.
const WAITING: usize = 1024;
const WAITING_KIB: usize = 32 << 10;

/// A range that waits for the publisher, with the room that it takes.
type Waiting = (Committed, OwnedSemaphorePermit);

/// The way to the other nodes for what a lane commits.
pub struct Publishing {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    skipped: Counter,
}

impl Publishing {
    pub(super) fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (queue, receiver) = mpsc::channel(WAITING);
        // Made at once, so that its first increment is seen as one.
        let skipped = metrics::counter!("tidings_publish_skipped_total");
        skipped.increment(0);
        let room = Arc::new(Semaphore::new(WAITING_KIB));
        let publishing = Self { queue, room, skipped };
        (publishing, receiver)
    }

    /// Publishes a range. What there is no room for, the others read from the log.
    pub fn offer(&self, batch: Committed) {
        let kib = (batch.bytes() >> 10).min(WAITING_KIB) as u32;
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib);
        let sent = room.is_ok_and(|room| self.queue.try_send((batch, room)).is_ok());
        if !sent {
            self.skipped.increment(1);
        }
    }
}

pub(super) struct Publisher {
    lane: u8,
    keys: Keys,
    log: Log,
    client: Client,
    config: FanoutConfig,
    health: Health,
    /// Whether it counts there as one that fails.
    is_failing: bool,
    script: Script,
    connection: Option<MultiplexedConnection>,
}

impl Publisher {
    pub(super) fn new(
        lane: u8,
        keys: Keys,
        log: Log,
        client: Client,
        config: FanoutConfig,
        health: Health,
    ) -> Self {
        let script = Script::new(include_str!("publish.lua"));
        Self {
            lane,
            keys,
            log,
            client,
            config,
            health,
            is_failing: false,
            script,
            connection: None,
        }
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Waiting>, stop: CancellationToken) {
        let mut taken = vec![];
        let failed = metrics::counter!("tidings_publish_failed_total");
        failed.increment(0);
        metrics::counter!("tidings_publish_filled_total").increment(0);
        // What was not published last is offered again while nothing else comes, so that it shows when Redis works again.
        let mut left: Option<(u32, Vec<Recorded>)> = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                count = queue.recv_many(&mut taken, 64) => if count == 0 { return },
                () = std::future::ready(()), if left.is_some() => {}
            }
            let mut ranges = merge(&mut taken);
            if ranges.is_empty() {
                ranges.extend(left.take());
            }
            for (epoch, range) in ranges {
                let published = self.publish(epoch, &range).await;
                self.note(published.is_ok());
                left = None;
                if let Err(error) = published {
                    tracing::debug!(lane = self.lane, kind = ?error.kind(), "a range was not published");
                    failed.increment(1);
                    self.connection = None;
                    left = Some((epoch, range));
                    tokio::time::sleep(PAUSE).await;
                    break;
                }
            }
        }
    }

    /// Takes note of whether something was published: from the first that was not until the next that is, it fails.
    fn note(&mut self, is_published: bool) {
        if is_published && self.is_failing {
            self.health.recovers();
        } else if !is_published && !self.is_failing {
            self.health.fails();
        }
        self.is_failing = !is_published;
    }

    async fn publish(&mut self, epoch: u32, range: &[Recorded]) -> redis::RedisResult<()> {
        let Some(first) = range.first().map(|event| event.pos) else {
            return Ok(());
        };
        let have = self.add(epoch, range, false).await?;
        let Some(have) = have else { return Ok(()) };
        // Somebody committed before us and has not published. Our own commit proves that the log has all of it.
        let mut at = have;
        if first - have <= HOLE_MAX {
            while at + 1 < first {
                let missing = self.log.lane_in(self.lane, epoch, at, first - 1, HOLE_EVENTS);
                let Ok(missing) = missing.await else { break };
                let Some(last) = missing.last().map(|event| event.pos) else {
                    break;
                };
                self.add(epoch, &missing, false).await?;
                at = last;
                metrics::counter!("tidings_publish_filled_total").increment(missing.len() as u64);
            }
        }
        self.add(epoch, range, true).await.map(|_| ())
    }

    /// Adds a range; answers the last position of the stream when it refused for a hole.
    async fn add(&mut self, epoch: u32, range: &[Recorded], jump: bool) -> redis::RedisResult<Option<u64>> {
        let (Some(first), Some(last)) = (range.first(), range.last()) else {
            return Ok(None);
        };
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connection::connect(&self.client, self.config.timeout).await?,
        };
        let packed = pack(range);
        let keep = self
            .config
            .entries_max
            .min(STREAM_BYTES / packed.len().max(1))
            .max(1);
        let began = Instant::now();
        let answer: String = self
            .script
            .key(self.keys.lane(self.lane, epoch))
            .arg(first.pos)
            .arg(last.pos)
            .arg(packed)
            .arg(keep)
            .arg(u8::from(jump))
            .invoke_async(&mut connection)
            .await?;
        metrics::histogram!("tidings_redis_publish_seconds").record(began.elapsed());
        self.connection = Some(connection);
        Ok(answer.parse().ok())
    }
}

/// Joins ranges of one time line that follow each other, so that a backlog costs one entry and not many.
fn merge(taken: &mut Vec<Waiting>) -> Vec<(u32, Vec<Recorded>)> {
    let mut merged: Vec<(u32, Vec<Recorded>)> = vec![];
    let mut open_bytes = 0;
    for (range, _) in taken.drain(..) {
        let Some(first) = range.events.first() else {
            continue;
        };
        let bytes = range.bytes();
        match merged.last_mut() {
            Some((epoch, open))
                if *epoch == range.epoch
                    && open.len() + range.events.len() <= ENTRY_EVENTS
                    && open_bytes + bytes <= ENTRY_BYTES
                    && open.last().is_some_and(|event| event.pos + 1 == first.pos) =>
            {
                open_bytes += bytes;
                open.extend(range.events.iter().cloned());
            }
            _ => {
                open_bytes = bytes;
                merged.push((range.epoch, range.events.to_vec()));
            }
        }
    }
    merged
}
