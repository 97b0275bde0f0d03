//! A node of an older version, which folds until it meets a kind of events that it does not know, and newer ones that go on.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use tidings_stand::Node;
use tokio::time::{Instant, sleep};

use super::{Ground, PAUSE, bring_back};
use crate::store::{Database, Folds};

/// How long the older node may take to meet the kind. Where stores are away meanwhile it may never.
const HOLD_LIMIT: Duration = Duration::from_secs(30);
/// How long a newer one may take to go on. What it takes is not judged here: everybody comes to rest in the end, or the run fails.
const TAKE_LIMIT: Duration = Duration::from_secs(30);

impl Ground {
    /// Stops all nodes, starts this one without the kind, then the others, and this one anew. Answers how many read models in
    /// their lanes the older one held and a newer one took over.
    pub(super) async fn be_older(&self, number: usize, kind: &str, lasts: Duration) -> Result<u64> {
        let mut turns = Vec::new();
        for (node, turn) in self.nodes().iter().zip(&self.turns.nodes) {
            turns.push(turn.lock().await);
            self.scrape(node).await;
            node.kill().await;
        }
        let older = &self.nodes()[number];
        let without = [("TIDINGS_UNKNOWN_KINDS".to_owned(), format!("[\"{kind}\"]"))];
        older.launch(&without).await?;
        let deadline = Instant::now() + HOLD_LIMIT;
        let mut held = BTreeSet::new();
        while held.is_empty() && Instant::now() < deadline {
            sleep(PAUSE).await;
            // As a supervisor does where it ends because a store is away.
            if older.pid().is_none() {
                older.launch(&without).await?;
            }
            held = held_by(older).await;
        }
        // What holds it stands there, as nobody else folds.
        let stood = self.stands(&held).await;
        sleep(lasts).await;
        for (other, node) in self.nodes().iter().enumerate() {
            if other != number {
                bring_back(node).await?;
            }
        }
        let taken = self.taken_over(&stood).await;
        self.scrape(older).await;
        older.kill().await;
        bring_back(older).await?;
        Ok(taken)
    }

    /// How far these read models are; nothing where the database does not say.
    async fn stands(&self, held: &BTreeSet<(String, i16)>) -> Folds {
        let asking = async { Database::connect(&self.database_url()).await?.folds().await };
        let mut folds = asking.await.unwrap_or_default();
        folds.retain(|key, _| held.contains(key));
        folds
    }

    /// How many of these go on in time.
    async fn taken_over(&self, stood: &Folds) -> u64 {
        let keys = stood.keys().cloned().collect();
        let deadline = Instant::now() + TAKE_LIMIT;
        loop {
            let stands = self.stands(&keys).await;
            let further = stands.iter().filter(|(key, pos)| stood.get(key) < Some(*pos));
            let further = further.count();
            if further == stood.len() || Instant::now() >= deadline {
                return further as u64;
            }
            sleep(PAUSE).await;
        }
    }
}

/// The read models that a node says it holds, by name and lane.
async fn held_by(node: &Node) -> BTreeSet<(String, i16)> {
    let metrics = node.get("/metrics").await.unwrap_or_default();
    let held = metrics.lines().filter_map(|line| {
        let labels = line
            .strip_prefix("tidings_projection_held{")?
            .strip_suffix("} 1")?;
        let label = |name: &str| {
            let mut labels = labels.split(',').filter_map(|label| label.split_once('='));
            let (_, value) = labels.find(|(label, _)| *label == name)?;
            Some(value.trim_matches('"'))
        };
        Some((label("projection")?.to_owned(), label("lane")?.parse().ok()?))
    });
    held.collect()
}
