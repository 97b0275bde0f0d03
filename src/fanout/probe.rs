//! Finds out whether Redis takes writes. One whose memory or disk is full, or that misses its replicas, goes on answering reads: a node
//! that publishes nothing would take it for well, while nothing of what other nodes commit comes over it.

use super::{Health, Redis};
use redis::aio::MultiplexedConnection;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is tried.
const LOOK: Duration = Duration::from_secs(1);
/// How long what is written for it stays there.
const STAYS_MS: u64 = 60_000;

pub(super) async fn run(redis: Redis, key: String, health: Health, stop: CancellationToken) {
    let mut connection = None;
    loop {
        let written = tokio::select! {
            () = stop.cancelled() => return,
            written = write(&redis, &key, &mut connection) => written,
        };
        if let Err(error) = &written {
            tracing::debug!(kind = ?error.kind(), "Redis takes no writes");
        }
        health.probed(written.is_ok());
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Writes something. A connection stays open for as long as it works.
async fn write(
    redis: &Redis,
    key: &str,
    connection: &mut Option<MultiplexedConnection>,
) -> redis::RedisResult<()> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => redis.connect().await?,
    };
    let () = redis::cmd("SET")
        .arg(key)
        .arg("")
        .arg("PX")
        .arg(STAYS_MS)
        .query_async(&mut open)
        .await?;
    *connection = Some(open);
    Ok(())
}
