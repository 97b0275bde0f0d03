//! What a node's parts tell of themselves, as metrics, and what hubs tell projections.

use crate::announcements::Heard;
use crate::delivery::{Hub, Observer};
use crate::gateway::{Logins, Voices};
use crate::lanes::Lanes;
use crate::presence::Moves;
use crate::telemetry::Look;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tidings_domain::{ConversationId, UserId};
use tidings_projections::{Checkpoints, Lag, ProjectionError, Wake};
use tokio::time::Instant;
use uuid::Uuid;

/// Moments that are remembered of each lane. Where there are more, every other one is forgotten.
const MOMENTS_MAX: usize = 512;

/// What a hub tells the projections, presence, and those who tell people of announcements.
pub(super) struct Listeners {
    pub(super) projections: Wake,
    pub(super) presence: Moves,
    pub(super) announcements: Heard,
    pub(super) voices: Voices,
}

impl Observer for Listeners {
    fn advanced(&self, lane: u8, _pos: u64) {
        self.projections.lane(lane);
    }

    fn moved(&self, conversation: Uuid, user: UserId, came: bool) {
        self.presence.moved(ConversationId(conversation), user, came);
    }

    fn settled(&self, user: UserId) {
        self.presence.settled(user);
    }

    fn doubted(&self) {
        self.presence.doubt();
        self.voices.doubt();
    }

    fn obscured(&self, stream: Uuid, by: UserId, seers: &BTreeSet<UserId>) {
        self.presence.obscured(ConversationId(stream), by, seers);
        // It may stand between any two. Nothing is looked up before somebody types.
        self.voices.doubt();
    }

    fn announced(&self) {
        self.announcements.announced();
    }

    fn parted(&self, one: UserId, other: UserId) {
        self.presence.parted(one, other);
        self.voices.part(one, other);
    }

    fn tied(&self, one: UserId, other: UserId) {
        self.presence.tied(one, other);
    }

    fn ruled(&self, conversation: Uuid) {
        self.voices.forget(ConversationId(conversation));
    }
}

/// Counts what the projections do.
pub(super) struct CountProjections;

impl tidings_projections::Observer for CountProjections {
    fn applied(&self, _lane: u8, _projections: &[&str], events: usize) {
        metrics::counter!("tidings_projected_events_total").increment(events as u64);
    }

    fn folded(&self, _lane: u8, took: Duration) {
        metrics::histogram!("tidings_fold_seconds").record(took);
    }

    fn parked(&self, _lane: u8, projection: &str, events: usize) {
        metrics::counter!("tidings_projection_parked_total", "projection" => projection.to_owned())
            .increment(events as u64);
    }

    fn stands(&self, lane: u8, projection: &str, head: u64, pos: Option<u64>) {
        if let Some(pos) = pos {
            metrics::gauge!("tidings_projection_lag_events", "projection" => projection.to_owned(), "lane" => lane.to_string())
                .set(head.saturating_sub(pos) as f64);
        }
    }

    fn held(&self, lane: u8, projection: &str, held: bool) {
        metrics::gauge!("tidings_projection_held", "projection" => projection.to_owned(), "lane" => lane.to_string())
            .set(f64::from(u8::from(held)));
    }

    fn building(&self, projection: &str, building: bool) {
        metrics::gauge!("tidings_projection_building", "projection" => projection.to_owned())
            .set(f64::from(u8::from(building)));
    }

    fn built(&self, projection: &str, done: u64, total: u64) {
        metrics::gauge!("tidings_projection_build_done_events", "projection" => projection.to_owned())
            .set(done as f64);
        metrics::gauge!("tidings_projection_build_total_events", "projection" => projection.to_owned())
            .set(total as f64);
    }

    fn failed(&self, _lane: u8, _error: &ProjectionError) {
        metrics::counter!("tidings_projection_failures_total").increment(1);
    }
}

/// What is looked at when metrics are shown.
pub(super) fn looks(lanes: Lanes, hub: Hub, logins: Logins, checkpoints: Checkpoints) -> Vec<Look> {
    let lags = Mutex::new(Lags::default());
    vec![
        Arc::new(move || {
            for (lane, waiting) in lanes.queues() {
                metrics::gauge!("tidings_lane_queue", "lane" => lane.to_string()).set(waiting as f64);
            }
        }),
        Arc::new(move || {
            for (lane, waiting) in hub.queues() {
                metrics::gauge!("tidings_hub_queue", "lane" => lane.to_string()).set(waiting as f64);
            }
        }),
        Arc::new(move || logins.look()),
        Arc::new(move || {
            let mut lags = lags.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            for lag in checkpoints.lag() {
                let behind = lags.behind_for(&lag, now).as_secs_f64();
                let (projection, lane) = (lag.projection, lag.lane.to_string());
                metrics::gauge!("tidings_projection_lag_seconds", "projection" => projection, "lane" => lane.clone())
                    .set(behind);
                metrics::gauge!("tidings_projection_position", "projection" => projection, "lane" => lane)
                    .set(lag.pos as f64);
            }
        }),
    ]
}

/// When the heads of lanes were seen to move, from which follows for how long a read model has been behind.
#[derive(Default)]
struct Lags(HashMap<u8, VecDeque<(u64, Instant)>>);

impl Lags {
    /// For how long there have been events of the lane that the read model has not folded, as far as was looked.
    fn behind_for(&mut self, lag: &Lag, now: Instant) -> Duration {
        let moments = self.0.entry(lag.lane).or_default();
        // The log has gone back.
        if moments.back().is_some_and(|(head, _)| *head > lag.head) {
            moments.clear();
        }
        if moments.back().is_none_or(|(head, _)| *head < lag.head) {
            moments.push_back((lag.head, now));
        }
        if moments.len() > MOMENTS_MAX {
            let mut number = 0;
            moments.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
        let beyond = moments.iter().find(|(head, _)| *head > lag.pos);
        beyond.map_or(Duration::ZERO, |(_, at)| now - *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_model_is_behind_for_as_long_as_there_is_something_that_it_has_not_folded() {
        let (mut lags, start) = (Lags::default(), Instant::now());
        let mut behind = |second: u64, head, pos| {
            let lag = Lag {
                projection: "history",
                lane: 0,
                head,
                pos,
                building: false,
            };
            lags.behind_for(&lag, start + Duration::from_secs(second))
                .as_secs()
        };
        assert_eq!(behind(0, 10, 10), 0);
        assert_eq!(behind(1, 20, 10), 0);
        assert_eq!(behind(5, 30, 10), 4);
        assert_eq!(behind(7, 30, 20), 2);
        assert_eq!(behind(9, 30, 30), 0);
        // Another time line.
        assert_eq!(behind(10, 5, 3), 0);
        assert_eq!(behind(12, 5, 3), 2);
        for n in 0..5000 {
            behind(12 + n, 5 + n, 3);
        }
        assert_eq!(behind(5012, 5005, 3), 5002);
    }
}
