//! Rebuilds of read models, by the node that was told to; how far they are stands in a table, for all nodes.

use super::Administration;
use super::nodes::GONE_S;
use super::tables::{unavailable, unreadable};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tidings_graphql::{Code, RebuildStage, RebuildState, Refusal};
use tidings_projections::{Progress, ProjectionError, is_kept, replay, rollback};
use tokio::time::sleep;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Lanes that are folded at a time: the node serves meanwhile.
const WORKERS: usize = 2;
/// How often a rebuild says how far it is, and looks whether it is to be given up.
const LOOK: Duration = Duration::from_secs(1);

/// Where the tables come from that are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the log.
    Anew,
    /// They are those that the last rebuild has replaced.
    Back,
}

/// How far a rebuild is: of each lane, how many events are folded, and of how many.
#[derive(Default)]
struct Lanes(Mutex<BTreeMap<u8, (u64, u64)>>);

impl Progress for Lanes {
    fn resumes(&self, lane: u8, done: u64, total: u64) {
        self.lane(lane, done, total);
    }

    fn lane(&self, lane: u8, done: u64, total: u64) {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.insert(lane, (done, total));
    }
}

impl Lanes {
    fn sums(&self) -> (i64, i64) {
        let lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, total) = lanes
            .values()
            .fold((0, 0), |sum, lane| (sum.0 + lane.0, sum.1 + lane.1));
        (done.cast_signed(), total.cast_signed())
    }
}

impl Administration {
    /// The latest rebuild of each read model.
    pub(super) async fn rebuilt(&self) -> Result<Vec<RebuildState>, Refusal> {
        let sql = include_str!("rebuilds/all.sql");
        let rows = self.0.tables.rows(sql, &[&GONE_S]).await?;
        let rebuilds: Result<_, _> = rows.iter().map(read).collect();
        rebuilds.map_err(|error| unreadable(&error))
    }

    /// Takes a rollback on, where there are tables to go back to, unless a node is at it or at a rebuild.
    pub(super) async fn begin_rollback(&self, name: &str, by: Uuid) -> Result<u64, Refusal> {
        match is_kept(self.0.ground.tables.pool(), name).await {
            Ok(true) => self.begin_rebuild(name, by, Way::Back).await,
            Ok(false) => Err(Refusal::new(Code::NotFound, "no earlier tables are kept")),
            Err(error) => {
                tracing::warn!(%error, "it is not known whether earlier tables are kept");
                Err(unavailable())
            }
        }
    }

    /// Takes a rebuild on, unless a node is at it.
    pub(super) async fn begin_rebuild(&self, name: &str, by: Uuid, way: Way) -> Result<u64, Refusal> {
        let sql = include_str!("rebuilds/begin.sql");
        let is_rollback = way == Way::Back;
        let values: [&(dyn ToSql + Sync); 5] = [&name, &self.0.node, &by, &GONE_S, &is_rollback];
        if self.0.tables.rows(sql, &values).await?.is_empty() {
            return Err(Refusal::new(Code::Conflict, "it is being rebuilt already"));
        }
        Ok(1)
    }

    /// Does a rebuild or a rollback that this node has taken on.
    pub(super) async fn rebuild(&self, name: &'static str, way: Way) {
        let lanes = Lanes::default();
        let (stage, error) = tokio::select! {
            done = Box::pin(self.go(name, way, &lanes)) => match done {
                Ok(()) => ("done", None),
                Err(error) => ("failed", Some(error.to_string())),
            },
            () = self.watch(name, &lanes) => ("cancelled", None),
        };
        tracing::info!(projection = name, stage, error, "a rebuild has ended");
        let (done, total) = lanes.sums();
        let sql = include_str!("rebuilds/end.sql");
        let node = &self.0.node;
        while let Err(refusal) = self
            .0
            .tables
            .rows(sql, &[&name, node, &done, &total, &stage, &error])
            .await
        {
            tracing::debug!(reason = %refusal.message, "the end of a rebuild is not told yet");
            sleep(LOOK).await;
        }
    }

    async fn go(&self, name: &str, way: Way, lanes: &Lanes) -> Result<(), ProjectionError> {
        let log = &self.0.ground.log;
        match way {
            Way::Anew => replay(log, &[name], WORKERS, lanes).await?,
            Way::Back => rollback(log, name, WORKERS, lanes).await?,
        };
        Ok(())
    }

    /// Says how far a rebuild is, until it is to be given up.
    async fn watch(&self, name: &str, lanes: &Lanes) {
        let sql = include_str!("rebuilds/progress.sql");
        loop {
            sleep(LOOK).await;
            let (done, total) = lanes.sums();
            let values: [&(dyn ToSql + Sync); 4] = [&name, &self.0.node, &done, &total];
            // While the database is away the rebuild waits for it, too.
            let Ok(rows) = self.0.tables.rows(sql, &values).await else {
                continue;
            };
            if rows.iter().any(|row| row.try_get("cancelled").unwrap_or(false)) {
                return;
            }
        }
    }

    /// Has the node that does it give a rebuild up. Returns whether any does.
    pub(super) async fn cancel_rebuild(&self, name: &str) -> Result<u64, Refusal> {
        let sql = include_str!("rebuilds/cancel.sql");
        let cancelled = self.0.tables.rows(sql, &[&name, &GONE_S]).await?;
        Ok(cancelled.len() as u64)
    }
}

fn read(row: &Row) -> Result<RebuildState, tokio_postgres::Error> {
    let stage = match row.try_get("stage")? {
        "done" => RebuildStage::Done,
        "cancelled" => RebuildStage::Cancelled,
        "running" if row.try_get("runs")? => RebuildStage::Running,
        "running" => RebuildStage::Interrupted,
        _ => RebuildStage::Failed,
    };
    Ok(RebuildState {
        projection: row.try_get("projection")?,
        stage,
        done: row.try_get("done")?,
        total: row.try_get("total")?,
        by: row.try_get("ordered_by")?,
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        error: row.try_get("error")?,
        is_rollback: row.try_get("is_rollback")?,
    })
}
