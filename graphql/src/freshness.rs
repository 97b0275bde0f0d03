//! Read-your-writes: a request waits until the read models include the positions that it carries.

use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use async_graphql::Value;
use std::time::Duration;
use tidings_eventlog::Position;
use tidings_projections::Checkpoints;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;

/// Positions that one request may carry: more than there are lanes make no sense.
const POSITIONS_MAX: usize = 256;

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

    /// Reads the positions in the header `tidings-after` and in the request's extension `after`, which may be one text or
    /// a list of them. A text holds one or more positions `<lane>:<pos>`, separated by commas.
    pub(crate) fn positions(
        &self,
        header: Option<&str>,
        extension: Option<&Value>,
    ) -> Result<Vec<Position>, Refusal> {
        let mut positions = vec![];
        if let Some(header) = header {
            self.read("tidings-after", header, &mut positions)?;
        }
        match extension {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => self.read("after", text, &mut positions)?,
            Some(Value::List(texts)) => {
                for text in texts {
                    let Value::String(text) = text else {
                        return Err(malformed("after"));
                    };
                    self.read("after", text, &mut positions)?;
                }
            }
            Some(_) => return Err(malformed("after")),
        }
        Ok(positions)
    }

    fn read(&self, field: &'static str, text: &str, positions: &mut Vec<Position>) -> Result<(), Refusal> {
        for part in text.split(',') {
            let position = position(part.trim()).ok_or_else(|| malformed(field))?;
            if !self.has_lane(position.lane) {
                return Err(Refusal::invalid(field, "there is no such lane"));
            }
            if positions.len() == POSITIONS_MAX {
                return Err(Refusal::invalid(field, "too many positions"));
            }
            positions.push(position);
        }
        Ok(())
    }

    /// Whether all read models include these positions, as far as this node knows.
    pub(crate) fn has_passed(&self, positions: &[Position]) -> bool {
        let lag = self.checkpoints.lag();
        positions.iter().all(|wanted| {
            lag.iter()
                .filter(|lag| lag.lane == wanted.lane)
                .all(|lag| lag.pos >= wanted.pos)
        })
    }

    /// Refuses positions that the log has not come to: nobody was told them, and nobody knows how long to wait.
    pub(crate) async fn check_reached(
        &self,
        database: &Database,
        positions: &[Position],
    ) -> Result<(), Refusal> {
        let heads = heads(database, self, None).await?;
        let beyond = |wanted: &Position| {
            heads
                .iter()
                .any(|head| head.lane == wanted.lane && head.pos < wanted.pos)
        };
        if positions.iter().any(beyond) {
            return Err(Refusal::invalid("after", "the log has not come to the position"));
        }
        Ok(())
    }

    /// Waits, bounded, until all read models include these positions.
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
    let sql = "SELECT lane, head FROM log_lane WHERE $1::smallint IS NULL OR lane = $1";
    let lane = lane.map(i16::from);
    let values: [&(dyn ToSql + Sync); 1] = [&lane];
    let heads = database.rows(sql, &values, |row| {
        let (lane, head): (i16, i64) = (row.try_get("lane")?, row.try_get("head")?);
        Ok(u8::try_from(lane).ok().zip(u64::try_from(head).ok()))
    });
    let known = |(lane, pos)| freshness.has_lane(lane).then_some(Position { lane, pos });
    Ok(heads.await?.into_iter().flatten().filter_map(known).collect())
}

fn malformed(field: &'static str) -> Refusal {
    Refusal::invalid(field, "a position is <lane>:<pos>")
}

fn position(text: &str) -> Option<Position> {
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
