//! Compares heads with the log: about once a second while Redis works, since a lost last entry shows no hole; often
//! while it does not, which is how nodes then learn of each other's commits.

use super::{FanoutConfig, Health};
use crate::hub::Hub;
use tidings_eventlog::Log;
use tokio_util::sync::CancellationToken;

pub(super) async fn run(log: Log, hub: Hub, health: Health, config: FanoutConfig, stop: CancellationToken) {
    loop {
        let pause = if health.is_up() { config.sweep } else { config.tail };
        metrics::gauge!("tidings_redis_up").set(if health.is_up() { 1.0 } else { 0.0 });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        match log.heads().await {
            Ok(heads) => {
                for head in heads {
                    metrics::gauge!("tidings_lane_head", "lane" => head.lane.to_string())
                        .set(head.head as f64);
                    hub.head(head.lane, head.head).await;
                }
            }
            Err(error) => tracing::debug!(%error, "heads could not be read"),
        }
    }
}
