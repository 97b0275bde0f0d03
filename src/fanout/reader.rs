//! Reads one lane's stream and offers its ranges to the hub.

use super::packed::unpack;
use super::{FanoutConfig, Health, connection};
use crate::hub::Hub;
use bytes::Bytes;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncTypedCommands, Client};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long one read waits for new entries. Shorter than the time-out of an answer.
const BLOCK_MS: usize = 1000;
const ENTRIES: usize = 64;
const PAUSE_MAX: Duration = Duration::from_secs(2);

pub(super) struct Reader {
    lane: u8,
    key: String,
    hub: Hub,
    client: Client,
    config: FanoutConfig,
    health: Health,
}

impl Reader {
    pub(super) fn new(
        lane: u8,
        key: String,
        hub: Hub,
        client: Client,
        config: FanoutConfig,
        health: Health,
    ) -> Self {
        Self {
            lane,
            key,
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
        let mut seen = 0;
        loop {
            let from = self.hub.position(self.lane).max(seen);
            let reply: Option<StreamReadReply> = connection
                .xread_options(&[&self.key], &[format!("{from}-0")], &options)
                .await?;
            for entry in reply
                .into_iter()
                .flat_map(|reply| reply.keys)
                .flat_map(|key| key.ids)
            {
                seen = position(&entry.id).unwrap_or(seen);
                if seen <= self.hub.position(self.lane) {
                    continue;
                }
                let Some(redis::Value::BulkString(packed)) = entry.map.get("b") else {
                    continue;
                };
                match unpack(Bytes::copy_from_slice(packed)) {
                    Ok(events) => self.hub.offer(self.lane, Arc::new(events)).await,
                    Err(error) => {
                        tracing::warn!(lane = self.lane, id = entry.id, %error, "skipped an entry");
                        self.hub.head(self.lane, seen).await;
                    }
                }
            }
        }
    }
}

fn position(id: &str) -> Option<u64> {
    id.split('-').next()?.parse().ok()
}
