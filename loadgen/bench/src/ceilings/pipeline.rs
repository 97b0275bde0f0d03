//! Entries into one Redis stream.

use std::time::Duration;

use anyhow::Result;
use tidings_stand::Stand;
use tokio::time::Instant;

use super::FRAME;

const PIPELINE: usize = 100;

/// Entries a second of the size of one event, over one connection.
pub async fn redis_pipeline(stand: &Stand, length: Duration) -> Result<f64> {
    let client = redis::Client::open(stand.redis_url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let payload = vec![b'x'; FRAME];
    let mut pipeline = redis::pipe();
    for _ in 0..PIPELINE {
        pipeline
            .cmd("XADD")
            .arg(&["ceiling", "MAXLEN", "~", "4096", "*", "b"])
            .arg(&payload)
            .ignore();
    }
    let start = Instant::now();
    let mut entries = 0;
    while start.elapsed() < length {
        let _: () = pipeline.query_async(&mut connection).await?;
        entries += PIPELINE;
    }
    Ok(entries as f64 / start.elapsed().as_secs_f64())
}
