//! Entries into one Redis stream.

use anyhow::{Result, ensure};
use redis::AsyncConnectionConfig;
use tidings_report::Report;
use tidings_stand::Stand;
use tokio::time::Instant;
use uuid::Uuid;

use crate::meter::{Meter, Rounds};
use crate::{FRAME, PATIENCE, within};

const PIPELINE: usize = 100;
/// About so many entries stay.
const KEPT: usize = 4_096;

/// What Redis did.
pub struct Pipeline {
    pub entries_per_s: Vec<f64>,
    /// All entries, also those of the warm-up. Redis has counted them.
    pub entries: u64,
}

impl Pipeline {
    pub fn report(&self, report: &mut Report) {
        let name = format!("XADD in pipelines of {PIPELINE}");
        report.figure(&name, "entries/s", &self.entries_per_s);
    }
}

/// Adds entries of the size of one event to a stream of its own, 100 in each pipeline, over one connection.
pub async fn redis_pipeline(stand: &Stand, rounds: &Rounds) -> Result<Pipeline> {
    let client = redis::Client::open(stand.redis_url())?;
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = within("connecting to Redis", connecting).await?;

    let key = format!("ceiling:{}", Uuid::new_v4().simple());
    let entry = vec![b'x'; FRAME];
    let mut pipeline = redis::pipe();
    for _ in 0..PIPELINE {
        let add = pipeline.cmd("XADD").arg(&key).arg("MAXLEN").arg("~").arg(KEPT);
        add.arg("*").arg("b").arg(&entry).ignore();
    }
    let mut meter = Meter::start(rounds);
    while !meter.is_over() {
        within("XADD", pipeline.query_async::<()>(&mut connection)).await?;
        meter.add(Instant::now(), PIPELINE);
    }

    let mut information = redis::cmd("XINFO");
    let information = information.arg("STREAM").arg(&key);
    let information =
        information.query_async::<std::collections::HashMap<String, redis::Value>>(&mut connection);
    let information = within("XINFO", information).await?;
    let added = information.get("entries-added");
    ensure!(
        added == Some(&redis::Value::Int(meter.total() as i64)),
        "{} entries were answered, but Redis counted {added:?}",
        meter.total()
    );
    within(
        "DEL",
        redis::cmd("DEL").arg(&key).query_async::<()>(&mut connection),
    )
    .await?;
    Ok(Pipeline {
        entries_per_s: meter.rates(),
        entries: meter.total(),
    })
}
