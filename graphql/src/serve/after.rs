//! Read-your-writes: the positions of the log that a request carries, which what it reads must include.

use crate::errors::Refusal;
use crate::freshness::Freshness;
use async_graphql::Value;
use tidings_eventlog::Position;

/// Positions that one request may carry: more than there are lanes make no sense.
const POSITIONS_MAX: usize = 256;

/// Reads the positions in the header `tidings-after` and in the request's extension `after`, which may be one text or a list of
/// them. A text holds one or more positions `<lane>:<pos>`, separated by commas.
pub(super) fn positions(
    freshness: &Freshness,
    header: Option<&str>,
    extension: Option<&Value>,
) -> Result<Vec<Position>, Refusal> {
    let mut positions = vec![];
    let mut read = |field: &'static str, text: &str| read(freshness, field, text, &mut positions);
    if let Some(header) = header {
        read("tidings-after", header)?;
    }
    match extension {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => read("after", text)?,
        Some(Value::List(texts)) => {
            for text in texts {
                let Value::String(text) = text else {
                    return Err(malformed("after"));
                };
                read("after", text)?;
            }
        }
        Some(_) => return Err(malformed("after")),
    }
    Ok(positions)
}

fn read(
    freshness: &Freshness,
    field: &'static str,
    text: &str,
    positions: &mut Vec<Position>,
) -> Result<(), Refusal> {
    for part in text.split(',') {
        let position = position(part.trim()).ok_or_else(|| malformed(field))?;
        if !freshness.has_lane(position.lane) {
            return Err(Refusal::invalid(field, "there is no such lane"));
        }
        if positions.len() == POSITIONS_MAX {
            return Err(Refusal::invalid(field, "too many positions"));
        }
        positions.push(position);
    }
    Ok(())
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
