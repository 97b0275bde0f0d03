//! Statements on tables beside the log: bounded in time, and on read models that are as fresh as they have to be.

use futures_util::future::try_join_all;
use std::time::Duration;
use tidings_eventlog::{LaneHead, Log, Pool, Position, describe};
use tidings_projections::{Checkpoints, Select};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Read models have not come as far as they had to, in the time that there was.
#[derive(Clone, Copy, Debug)]
pub struct Behind;

/// Runs one statement, which may take as long as an answer of the database may. Where there is none, it is said why, for whoever looks
/// after the server.
pub async fn rows(pool: &Pool, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, String> {
    let asking = async {
        let client = pool.get().await.map_err(|error| error.to_string())?;
        let answer = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, values).await
        };
        answer.await.map_err(|error| describe(&error))
    };
    let answer = timeout(pool.timeout(), asking).await;
    answer.unwrap_or_else(|_| Err("it took too long".to_owned()))
}

/// Asks the read models, as they are; nothing where there is no answer.
pub async fn ask<T>(pool: &Pool, select: &Select<T>) -> Option<Vec<T>> {
    let rows = rows(pool, &select.sql(pool.home()), &select.values()).await;
    let rows = rows
        .map_err(|error| tracing::debug!(error, "read models did not answer"))
        .ok()?;
    let read: Result<Vec<T>, _> = rows.iter().map(|row| select.read(row)).collect();
    read.map_err(|error| tracing::warn!(%error, "what read models answer cannot be read"))
        .ok()
}

/// Waits until read models may be read: while one is built, or lacks what it could not fold, it says what is not so.
pub async fn readable(checkpoints: &Checkpoints, models: &[&str]) -> Result<(), Behind> {
    let refused = checkpoints.refused();
    if refused.iter().any(|(name, _)| models.contains(name)) {
        return Err(Behind);
    }
    checkpoints.built(models).await;
    checkpoints.released(models).await;
    Ok(())
}

/// Waits until read models have come to all that the log holds by now.
pub async fn catch_up(
    log: &Log,
    checkpoints: &Checkpoints,
    models: &[&str],
    wait: Duration,
) -> Result<(), Behind> {
    let heads = log.heads().await.map_err(|_| Behind)?;
    come_to(checkpoints, &heads, models, wait).await
}

/// Waits until read models are said to have come to these heads.
pub async fn come_to(
    checkpoints: &Checkpoints,
    heads: &[LaneHead],
    models: &[&str],
    wait: Duration,
) -> Result<(), Behind> {
    let all = heads.iter().map(|head| {
        let position = Position {
            lane: head.lane,
            pos: head.head,
        };
        checkpoints.passed_by(models, position, wait)
    });
    try_join_all(all).await.map(|_| ()).map_err(|_| Behind)
}
