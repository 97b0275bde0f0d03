//! What the log needs as it grows: its next segments, and the tasks of lanes that are added.

use crate::commits::Commits;
use crate::delivery::Hub;
use crate::lanes::Lanes;
use crate::lifecycle::Lifecycle;
use crate::outcome::Refusal;
use std::time::Duration;
use tidings_eventlog::{LaneHead, Log, schema};
use tidings_projections::Projector;
use tokio::time::MissedTickBehavior;

/// How often the log's next segments are looked after.
const SEGMENTS: Duration = Duration::from_secs(1);

/// Looks after what the log needs as it grows: the next segments, and the tasks of lanes that are added.
pub(super) struct Grow {
    pub(super) log: Log,
    pub(super) lifecycle: Lifecycle,
    pub(super) projector: Projector,
    pub(super) hub: Hub,
    pub(super) commits: Commits,
    pub(super) lanes: Lanes,
}

impl Grow {
    /// Starts everything that a lane needs.
    pub(super) fn add(&self, head: LaneHead) {
        let (run, stop) = (
            self.projector.clone().run_lane(head.lane),
            self.lifecycle.stopping(),
        );
        self.lifecycle.spawn_for_life("projections", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = run => {}
            }
        });
        self.hub.add(head);
        self.lanes.add(head.lane, self.commits.add(head.lane));
    }

    pub(super) async fn keep(self) {
        let stop = self.lifecycle.stopping();
        let mut ticks = tokio::time::interval(SEGMENTS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // However often somebody asks for a lane that is not there, the next segments are made in time.
                biased;
                () = stop.cancelled() => return,
                _ = ticks.tick() => {
                    if let Err(error) = schema::ensure_segments(self.log.pool()).await {
                        tracing::debug!(%error, "segments could not be looked after");
                    }
                }
                () = self.lanes.asked() => {}
            }
            let waited = self.lanes.waited();
            match self.look().await {
                Ok(()) => self.lanes.refuse_nowhere(waited),
                Err(error) => {
                    tracing::debug!(%error, "lanes could not be looked at");
                    self.lanes.refuse_waiting(waited, &Refusal::Unavailable);
                }
            }
        }
    }

    /// Starts the lanes of the log that this node does not run.
    async fn look(&self) -> anyhow::Result<()> {
        let heads = self.log.heads().await?;
        let new: Vec<LaneHead> = heads
            .into_iter()
            .filter(|head| !self.hub.has(head.lane))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        // Read models need a place to begin in each.
        tidings_projections::setup(self.log.pool()).await?;
        for head in new {
            tracing::info!(lane = head.lane, "a lane was added");
            // From its beginning: whoever is connected has been shown nothing of it, however far it reaches by now.
            self.add(LaneHead { head: 0, ..head });
        }
        Ok(())
    }
}
