//! How far the read models are: waiting until they include what has been acknowledged.

use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use std::time::Duration;
use tidings_eventlog::Position;
use tidings_projections::Checkpoints;
use tokio::time::Instant;

/// What requests can wait for.
#[derive(Clone)]
pub(crate) struct Freshness {
    checkpoints: Checkpoints,
    wait: Duration,
}

impl Freshness {
    pub(crate) fn new(checkpoints: Checkpoints, wait: Duration) -> Self {
        Self { checkpoints, wait }
    }

    pub(crate) fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    pub(crate) fn has_lane(&self, lane: u8) -> bool {
        self.checkpoints.runs(lane)
    }

    /// Whether all live read models include these positions, but those that lag, as far as this node knows.
    pub(crate) fn has_passed(&self, positions: &[Position]) -> bool {
        let (lag, prompt) = (self.checkpoints.lag(), tidings_projections::prompt());
        positions.iter().all(|wanted| {
            lag.iter()
                .filter(|lag| lag.lane == wanted.lane && !lag.building && prompt.contains(&lag.projection))
                .all(|lag| lag.pos >= wanted.pos)
        })
    }

    /// Refuses positions that the log has not come to, by the field that holds them: nobody was told them, and nobody knows how long to wait.
    pub(crate) async fn check_reached(
        &self,
        database: &Database,
        positions: &[(&'static str, Position)],
    ) -> Result<(), Refusal> {
        let heads = heads(database, self, None).await?;
        let beyond = |(_, wanted): &&(&'static str, Position)| {
            heads
                .iter()
                .any(|head| head.lane == wanted.lane && head.pos < wanted.pos)
        };
        match positions.iter().find(beyond) {
            Some((field, _)) => Err(Refusal::invalid(*field, "the log has not come to the position")),
            None => Ok(()),
        }
    }

    /// Waits, bounded, until all live read models include these positions.
    pub(crate) async fn passed(&self, positions: &[Position]) -> Result<(), Refusal> {
        let deadline = Instant::now() + self.wait;
        for position in positions {
            let left = deadline.saturating_duration_since(Instant::now());
            self.checkpoints
                .passed(*position, left)
                .await
                .map_err(|lagging| {
                    tracing::debug!(%lagging, "a query waited in vain");
                    Refusal::unavailable("the read models have not come to the position yet")
                })?;
        }
        Ok(())
    }
}

/// Where the log is now, in one lane or in all.
pub(crate) async fn heads(
    database: &Database,
    freshness: &Freshness,
    lane: Option<u8>,
) -> Result<Vec<Position>, NoAnswer> {
    let heads = database.ask(&tidings_projections::heads(lane)).await?;
    Ok(heads
        .into_iter()
        .filter(|head| freshness.has_lane(head.lane))
        .collect())
}

/// Reads a position as clients are told it, `<lane>:<pos>`.
pub(crate) fn position(text: &str) -> Option<Position> {
    let (lane, pos) = text.split_once(':')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits(lane) || !digits(pos) {
        return None;
    }
    // A greater one could not be compared with what the database holds.
    let pos: u64 = pos.parse().ok().filter(|pos| i64::try_from(*pos).is_ok())?;
    Some(Position {
        lane: lane.parse().ok()?,
        pos,
    })
}

#[cfg(test)]
mod tests {
    use super::position;
    use tidings_eventlog::Position;

    #[test]
    fn a_position_is_a_lane_and_a_number() {
        assert_eq!(position("3:17"), Some(Position { lane: 3, pos: 17 }));
        for text in [
            "",
            "3",
            ":",
            "3:",
            ":7",
            "+3:7",
            "3:-7",
            "256:7",
            "3:99999999999999999999",
            "3:7:1",
            "a:b",
        ] {
            assert_eq!(position(text), None, "{text}");
        }
    }
}
