//! The append path alone, in a closed loop.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use tidings_eventlog::{Appender, Batch, LogConfig, NewEvent, Outcome, Proposal, schema};
use tidings_stand::Stand;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::PAYLOAD;

const LANES: u8 = 4;
const STREAMS: usize = 1_000;
/// What a lane puts into one batch at most.
const BATCH_MAX: usize = 1_000;

/// A migrated log of its own on the stand's PostgreSQL.
pub(super) async fn fresh_log(stand: &Stand) -> Result<LogConfig> {
    let name = format!("ceiling_{}", Uuid::new_v4().simple());
    stand.postgres().ensure_database(&name).await?;
    let config = LogConfig::from_url(&stand.postgres().url(&name))?;
    schema::migrate(&config, u16::from(LANES)).await?;
    Ok(config)
}

/// A stream of a lane, and one event for it.
pub(super) fn message(stream: Uuid, payload: &Bytes) -> Proposal {
    Proposal {
        stream,
        command: Uuid::now_v7(),
        digest: 0,
        actor: stream,
        guard: 0,
        events: vec![NewEvent {
            kind: 16,
            ver: 1,
            control: false,
            countable: true,
            payload: payload.clone(),
        }],
    }
}

pub(super) fn stream_of(lane: u8) -> Uuid {
    let mut bytes = *Uuid::new_v4().as_bytes();
    bytes[15] = lane;
    Uuid::from_bytes(bytes)
}

/// Events a second with so many outstanding over 4 lanes and 1,000 streams: what came back goes into the next batch.
pub async fn append_loop(stand: &Stand, outstanding: usize, length: Duration) -> Result<f64> {
    let appender = Arc::new(Appender::new(fresh_log(stand).await?));
    appender.warm().await?;
    let batch = (outstanding / usize::from(LANES)).clamp(1, BATCH_MAX);
    let start = Instant::now();
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        lanes.spawn(append_lane(Arc::clone(&appender), lane, batch, start, length));
    }
    let mut events = 0;
    while let Some(done) = lanes.join_next().await {
        events += done??;
    }
    Ok(events as f64 / start.elapsed().as_secs_f64())
}

async fn append_lane(
    appender: Arc<Appender>,
    lane: u8,
    size: usize,
    start: Instant,
    length: Duration,
) -> Result<usize> {
    let streams: Vec<Uuid> = (0..STREAMS / usize::from(LANES))
        .map(|_| stream_of(lane))
        .collect();
    let payload = Bytes::from(vec![b'x'; PAYLOAD]);
    let mut events = 0;
    while start.elapsed() < length {
        let mut batch = Batch::new(lane);
        for number in 0..size {
            batch.push(&message(streams[(events + number) % streams.len()], &payload));
        }
        match appender.append(&batch).await? {
            Outcome::Appended(_) => events += size,
            Outcome::Refused { .. } => bail!("new commands were refused"),
        }
    }
    Ok(events)
}
