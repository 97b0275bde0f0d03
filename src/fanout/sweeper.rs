//! Compares heads with the log: about once a second while Redis works, since a lost last entry shows no hole; often
//! while it does not, which is how nodes then learn of each other's commits.

use super::{FanoutConfig, Health};
use crate::delivery::Hub;
use tidings_eventlog::{LaneHead, Log};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub(super) async fn run(log: Log, hub: Hub, health: Health, config: FanoutConfig, stop: CancellationToken) {
    let mut looked = Instant::now();
    loop {
        let is_up = health.is_up();
        let pause = if is_up { config.sweep } else { config.tail };
        metrics::gauge!("tidings_redis_up").set(if is_up { 1.0 } else { 0.0 });
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep_until(looked + pause) => {}
            // Where Redis has gone, what is said from now on is not waited for that long.
            () = health.changed() => continue,
        }
        // Known before the log is asked, which therefore has it all.
        let known = hub.places();
        match log.heads().await {
            Ok(heads) => {
                for head in heads {
                    metrics::gauge!("tidings_lane_head", "lane" => head.lane.to_string())
                        .set(head.head as f64);
                    look(&log, &hub, known.get(usize::from(head.lane)).copied(), head).await;
                }
            }
            Err(error) => tracing::debug!(%error, "heads could not be read"),
        }
        looked = Instant::now();
    }
}

/// Tells the hub where a lane is. A head before the known one means that the log has gone back, or that an old server has
/// answered: the lane itself says which.
async fn look(log: &Log, hub: &Hub, known: Option<LaneHead>, head: LaneHead) {
    let confirmed = match known.filter(|known| head.is_before(*known)) {
        None => Ok(head),
        Some(known) => log.confirm_head(known).await,
    };
    match confirmed {
        Ok(head) => hub.offer_head(head),
        Err(error) => {
            tracing::warn!(lane = head.lane, %error, "a head below the known one could not be confirmed");
        }
    }
}
