//! Reads one lane's stream and offers its ranges to the hub.

use super::packed::unpack;
use super::{FanoutConfig, Health, Keys, connection};
use crate::delivery::Hub;
use bytes::Bytes;
use redis::streams::{StreamRangeReply, StreamReadOptions, StreamReadReply};
use redis::{AsyncTypedCommands, Client};
use std::sync::Arc;
use std::time::Duration;
use tidings_eventlog::{Committed, LaneHead, Log};
use tokio_util::sync::CancellationToken;

/// How long one read waits for new entries. Shorter than the time-out of an answer.
const BLOCK_MS: usize = 1000;
/// Entries of one read; each holds about a MiB at most.
const ENTRIES: usize = 16;
const PAUSE_MAX: Duration = Duration::from_secs(2);

pub(super) struct Reader {
    lane: u8,
    keys: Keys,
    log: Log,
    hub: Hub,
    client: Client,
    config: FanoutConfig,
    health: Health,
}

impl Reader {
    pub(super) fn new(
        lane: u8,
        keys: Keys,
        log: Log,
        hub: Hub,
        client: Client,
        config: FanoutConfig,
        health: Health,
    ) -> Self {
        Self {
            lane,
            keys,
            log,
            hub,
            client,
            config,
            health,
        }
    }

    pub(super) async fn run(self, stop: CancellationToken) {
        let mut pause = Duration::from_millis(50);
        loop {
            let reading = async {
                let mut connection =
                    connection::connect(&self.client, self.config.timeout.max(Duration::from_secs(3)))
                        .await?;
                self.health.connected();
                pause = Duration::from_millis(50);
                let ended = self.read(&mut connection).await;
                self.health.disconnected();
                ended
            };
            let ended: redis::RedisResult<()> = tokio::select! {
                () = stop.cancelled() => return,
                ended = reading => ended,
            };
            if let Err(error) = ended {
                tracing::debug!(lane = self.lane, kind = ?error.kind(), "fan-out reader lost Redis");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Reads until the connection fails. The hub's position is the cursor: what it has from elsewhere is not read again,
    /// and after a flush or an old snapshot of Redis the ids simply go on from wherever they are.
    async fn read(&self, connection: &mut redis::aio::MultiplexedConnection) -> redis::RedisResult<()> {
        let options = StreamReadOptions::default().block(BLOCK_MS).count(ENTRIES);
        // The end of the stream that was read last, on its time line.
        let mut seen: Option<LaneHead> = None;
        loop {
            let at = self.hub.at(self.lane);
            let key = self.keys.lane(self.lane, at.epoch);
            let mut last = match seen {
                Some(seen) if seen.epoch == at.epoch => seen.head,
                _ => {
                    self.compare(connection, &key, at).await?;
                    0
                }
            };
            let from = at.head.max(last);
            let reply: Option<StreamReadReply> = connection
                .xread_options(&[&key], &[format!("{from}-0")], &options)
                .await?;
            for entry in reply
                .into_iter()
                .flat_map(|reply| reply.keys)
                .flat_map(|key| key.ids)
            {
                last = position(&entry.id).unwrap_or(last);
                let end = LaneHead { head: last, ..at };
                if !self.hub.at(self.lane).is_before(end) {
                    continue;
                }
                let Some(redis::Value::BulkString(packed)) = entry.map.get("b") else {
                    continue;
                };
                match unpack(Bytes::copy_from_slice(packed)) {
                    Ok(events) => {
                        let range = Committed {
                            epoch: at.epoch,
                            events: Arc::new(events),
                        };
                        self.hub.offer(self.lane, range).await;
                    }
                    Err(error) => {
                        tracing::warn!(lane = self.lane, id = entry.id, %error, "skipped an entry");
                        self.hub.head(end).await;
                    }
                }
            }
            seen = Some(LaneHead { head: last, ..at });
        }
    }

    /// Before a stream is read: where it reaches further than the log, the log has gone back since, and this is how a node
    /// that has just been started learns of it.
    async fn compare(
        &self,
        connection: &mut redis::aio::MultiplexedConnection,
        key: &str,
        at: LaneHead,
    ) -> redis::RedisResult<()> {
        let newest: StreamRangeReply = connection.xrevrange_count(key, "+", "-", 1).await?;
        let reached = newest.ids.first().and_then(|entry| position(&entry.id));
        let Some(known) = reached.map(|head| LaneHead { head, ..at }) else {
            return Ok(());
        };
        if at.is_before(known) {
            match self.log.confirm_head(known).await {
                Ok(now) => self.hub.head(now).await,
                // The sweeper compares too, and an entry that reaches too far is noticed with the next one.
                Err(error) => tracing::debug!(lane = self.lane, %error, "a head could not be confirmed"),
            }
        }
        Ok(())
    }
}

fn position(id: &str) -> Option<u64> {
    id.split('-').next()?.parse().ok()
}
