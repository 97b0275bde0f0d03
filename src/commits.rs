//! What a lane has committed is handed on: to the projections of this node, to its hub, and to the other nodes.

use crate::delivery::Hub;
use crate::fanout::{Fanout, Publishing};
use crate::lifecycle::Lifecycle;
use tidings_eventlog::Committed;
use tidings_projections::Tail;
use tokio::sync::mpsc;

/// Batches that may wait to be handed on. A lane waits when it is full.
const QUEUE: usize = 64;

/// Hands on what lanes commit.
pub struct Commits {
    lifecycle: Lifecycle,
    tail: Tail,
    hub: Hub,
    fanout: Fanout,
}

impl Commits {
    pub fn new(lifecycle: &Lifecycle, tail: &Tail, hub: &Hub, fanout: Fanout) -> Self {
        Self {
            lifecycle: lifecycle.clone(),
            tail: tail.clone(),
            hub: hub.clone(),
            fanout,
        }
    }

    /// Starts the tasks of a lane that the hub has. Returns where its commits go.
    pub fn add(&self, lane: u8) -> mpsc::Sender<Committed> {
        let (sink, committed) = mpsc::channel(QUEUE);
        let others = self.fanout.add(lane);
        let handing = hand_on(lane, committed, self.tail.clone(), self.hub.clone(), others);
        self.lifecycle.spawn_for_life("local delivery", handing);
        sink
    }
}

/// Local sockets first, then the other nodes.
async fn hand_on(
    lane: u8,
    mut committed: mpsc::Receiver<Committed>,
    tail: Tail,
    hub: Hub,
    others: Publishing,
) {
    while let Some(batch) = committed.recv().await {
        // Before the hub wakes the projections.
        tail.offer(lane, batch.epoch, &batch.events);
        hub.offer(lane, batch.clone()).await;
        others.offer(batch);
    }
}
