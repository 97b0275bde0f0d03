//! The nodes that run, in a table that each writes its own row of.

use super::Administration;
use super::tables::unreadable;
use crate::telemetry;
use std::time::Duration;
use tidings_graphql::{NodeState, Refusal};
use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::Row;
use tokio_util::sync::CancellationToken;

/// How often a node says that it is there.
const EVERY: Duration = Duration::from_secs(5);
/// After how many seconds of silence a node is taken for gone.
pub(super) const GONE_S: f64 = 15.0;

impl Administration {
    /// Says every few seconds that this node is there, and takes it out when it stops.
    pub(super) async fn tell(self, stop: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            // The next time, if not now: it is logged where it fails.
            let _ = self.say().await;
            let _ = self.count_parked().await;
        }
        let gone = include_str!("nodes/gone.sql");
        let _ = self.0.tables.rows(gone, &[&self.0.node]).await;
    }

    async fn say(&self) -> Result<(), Refusal> {
        let ground = &self.0.ground;
        let address = ground.address.to_string();
        let connections = i64::try_from(ground.registry.count()).unwrap_or(i64::MAX);
        let resident = telemetry::resident_bytes();
        let draining = ground.lifecycle.is_draining();
        let sql = include_str!("nodes/say.sql");
        let version = env!("CARGO_PKG_VERSION");
        self.0
            .tables
            .rows(
                sql,
                &[
                    &self.0.node,
                    &address,
                    &version,
                    &connections,
                    &resident,
                    &draining,
                    &GONE_S,
                ],
            )
            .await?;
        Ok(())
    }

    /// The nodes that run, by when they started.
    pub(super) async fn running(&self) -> Result<Vec<NodeState>, Refusal> {
        let sql = include_str!("nodes/running.sql");
        let rows = self.0.tables.rows(sql, &[&GONE_S]).await?;
        let nodes: Result<_, _> = rows.iter().map(read).collect();
        nodes.map_err(|error| unreadable(&error))
    }

    /// How many other nodes run.
    pub(super) async fn others(&self) -> Result<usize, Refusal> {
        let nodes = self.running().await?;
        Ok(nodes.iter().filter(|node| node.id != self.0.node).count())
    }
}

fn read(row: &Row) -> Result<NodeState, tokio_postgres::Error> {
    Ok(NodeState {
        id: row.try_get("id")?,
        address: row.try_get("address")?,
        version: row.try_get("version")?,
        started_at: row.try_get("started_at")?,
        seen_at: row.try_get("seen_at")?,
        connections: row.try_get("connections")?,
        resident_bytes: row.try_get("resident_bytes")?,
        is_draining: row.try_get("draining")?,
    })
}
