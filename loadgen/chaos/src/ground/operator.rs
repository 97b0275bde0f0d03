//! What an operator does: restores a back-up of the log, adds lanes, and makes moderators.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_stand::Operator;
use tokio::time::{Instant, sleep};

use super::{Ground, PAUSE, RETURN_LIMIT, bring_back};
use crate::effects::shown_by;
use crate::fault::Fault;
use crate::scribe::Clock;
use crate::store::BackUp;

impl Ground {
    /// The log goes back to where it was `age` ago, and a new time line begins.
    pub(crate) async fn restore(&self, stopped: bool, age: Duration, clock: Clock) -> Result<()> {
        let _alone = self.calm.write().await;
        let _turn = self.turns.wait(&Fault::Restore { stopped }).await;
        let back_up = BackUp::take(&self.database_url()).await?;
        sleep(age).await;
        back_up.age().await?;
        let mut turns = Vec::new();
        if stopped {
            for (node, turn) in self.nodes().iter().zip(&self.turns.nodes) {
                turns.push(turn.lock().await);
                self.scrape(node).await;
                node.kill().await;
            }
        }
        let restored = back_up.restore(clock).await?;
        self.operator().run(&["recover"]).await.context("not recovered")?;
        if stopped {
            for node in self.nodes() {
                bring_back(node).await?;
            }
        }
        let lacked = restored.lost.len().saturating_sub(restored.kept.len());
        self.count(shown_by(&Fault::Restore { stopped }), lacked as u64);
        *self.restored.lock().unwrap_or_else(PoisonError::into_inner) = Some(restored);
        Ok(())
    }

    /// As an operator does who finds the database away for a moment.
    pub(super) async fn add_lanes(&self, lanes: u16) -> Result<()> {
        let deadline = Instant::now() + RETURN_LIMIT;
        loop {
            let said = self
                .operator()
                .run(&["migrate", "--lanes", &lanes.to_string()])
                .await;
            match said {
                Err(_) if Instant::now() < deadline => sleep(PAUSE).await,
                said => return said.context("no lanes could be added"),
            }
        }
    }

    /// The user of this name is a moderator from their next token on.
    pub(crate) async fn make_moderator(&self, name: &str) -> Result<()> {
        self.operator().make_moderator(name).await
    }

    fn operator(&self) -> Operator {
        Operator::new(self.program.clone(), self.database_url())
    }
}
