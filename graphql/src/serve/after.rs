//! Read-your-writes: the positions of the log that a request carries, which what it reads must include.

use crate::errors::Refusal;
use crate::freshness::{Freshness, position};
use async_graphql::Value;
use tidings_eventlog::Position;

/// Positions that one request may carry: more than there are lanes make no sense.
const POSITIONS_MAX: usize = 256;

/// Reads the positions in the header `tidings-after` and in the request's extension `after`, which may be one text or a list of
/// them. A text holds one or more positions `<lane>:<pos>`, separated by commas. Each comes with the field that holds it.
pub(super) fn positions(
    freshness: &Freshness,
    header: Option<&str>,
    extension: Option<&Value>,
) -> Result<Vec<(&'static str, Position)>, Refusal> {
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
    positions: &mut Vec<(&'static str, Position)>,
) -> Result<(), Refusal> {
    for part in text.split(',') {
        let position = position(part.trim()).ok_or_else(|| malformed(field))?;
        if !freshness.has_lane(position.lane) {
            return Err(Refusal::invalid(field, "there is no such lane"));
        }
        if positions.len() == POSITIONS_MAX {
            return Err(Refusal::invalid(field, "too many positions"));
        }
        positions.push((field, position));
    }
    Ok(())
}

fn malformed(field: &'static str) -> Refusal {
    Refusal::invalid(field, "a position is <lane>:<pos>")
}
