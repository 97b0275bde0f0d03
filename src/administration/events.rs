//! Events of the log as administrators see them, without what was said. Those of reports and of pairs they do not see, nor what people are told
//! where that depends on pairs: whoever is reported, or blocked, may be one of them, and is not to learn by whom.

use super::Administration;
use super::tables::unavailable;
use chrono::{DateTime, Utc};
use tidings_domain::stored::Kind;
use tidings_eventlog::record::lane_of;
use tidings_eventlog::{Outline, ReadError, Wanted};
use tidings_graphql::{EventFilter, EventState, EventsFound, LogPlace, Refusal};
use uuid::Uuid;

/// Events that are looked at for a page.
const LOOKED_AT_MAX: u64 = 10_000;
/// What a lane counts for that is looked at, beside its events.
const LANE_COUNTS: u64 = 50;

/// A lane or a stream, whose events have dense numbers: positions or seqs.
struct Line {
    lane: u8,
    stream: Option<Uuid>,
    head: u64,
}

impl Administration {
    /// Events behind `after` that `filter` lets through, `rows` at most.
    pub(super) async fn events_found(
        &self,
        filter: EventFilter,
        after: Option<LogPlace>,
        rows: usize,
    ) -> Result<EventsFound, Refusal> {
        let wanted = Wanted {
            kinds: filter.kind.as_deref().map(kinds).transpose()?,
            actor: filter.user,
            without: Kind::CONFIDENTIAL.map(|kind| kind.0).to_vec(),
        };
        let failed = |error: ReadError| {
            tracing::warn!(%error, "events cannot be read for an administrator");
            unavailable()
        };
        let lines = self.lines(&filter).await.map_err(failed)?;
        let mut found = EventsFound::default();
        let mut left = LOOKED_AT_MAX;
        for line in lines {
            let behind = match after {
                Some(after) if after.lane > line.lane => continue,
                Some(after) if after.lane == line.lane => after.number,
                _ => 0,
            };
            let lane = line.lane;
            if left == 0 {
                // The lane before it was looked at to its end.
                let number = behind;
                found.cut = Some(LogPlace { lane, number });
                break;
            }
            let (from, to) = self.bounds(&line, &filter).await.map_err(failed)?;
            let from = from.max(behind);
            let upto = to.min(from.saturating_add(left));
            if from < upto {
                let more = rows.saturating_sub(found.entries.len());
                let part = self.outlines(&line, (from, upto), &wanted, more).await;
                let entries = part.map_err(failed)?.into_iter().map(|outline| {
                    let state = state(&outline);
                    let is_stream = line.stream.is_some();
                    let place = if is_stream {
                        state.place_in_stream()
                    } else {
                        state.place()
                    };
                    (place, state)
                });
                found.entries.extend(entries);
                if found.entries.len() >= rows {
                    break;
                }
                if upto < to {
                    found.cut = Some(LogPlace { lane, number: upto });
                    break;
                }
            }
            left = left.saturating_sub(upto.saturating_sub(from) + LANE_COUNTS);
        }
        Ok(found)
    }

    /// Where the filter's events may be, by lane.
    async fn lines(&self, filter: &EventFilter) -> Result<Vec<Line>, ReadError> {
        let log = &self.0.shown;
        let mut lines = vec![];
        if let Some(conversation) = filter.conversation {
            let heads = log.stream_heads(&[conversation]).await?;
            lines.extend(heads.into_iter().flatten().map(|head| Line {
                lane: lane_of(conversation),
                stream: Some(conversation),
                head: head.seq,
            }));
        } else {
            lines.extend(log.heads().await?.into_iter().map(|head| Line {
                lane: head.lane,
                stream: None,
                head: head.head,
            }));
        }
        lines.retain(|line| filter.lane.is_none_or(|lane| lane == line.lane));
        lines.sort_unstable_by_key(|line| line.lane);
        Ok(lines)
    }

    /// The numbers between which the times of a filter lie: behind the first, up to the second.
    async fn bounds(&self, line: &Line, filter: &EventFilter) -> Result<(u64, u64), ReadError> {
        let from = match filter.from {
            Some(from) => self.before(line, from).await?,
            None => 0,
        };
        let to = match filter.to {
            Some(to) => self.before(line, to).await?,
            None => line.head,
        };
        Ok((from, to))
    }

    async fn before(&self, line: &Line, at: DateTime<Utc>) -> Result<u64, ReadError> {
        let log = &self.0.shown;
        match line.stream {
            Some(stream) => log.stream_before(stream, line.head, at).await,
            None => log.lane_before(line.lane, line.head, at).await,
        }
    }

    async fn outlines(
        &self,
        line: &Line,
        (after, upto): (u64, u64),
        wanted: &Wanted,
        limit: usize,
    ) -> Result<Vec<Outline>, ReadError> {
        let log = &self.0.shown;
        match line.stream {
            Some(stream) => log.stream_outlines(stream, after, upto, wanted, limit).await,
            None => log.lane_outlines(line.lane, after, upto, wanted, limit).await,
        }
    }
}

/// An event as administrators are told of it.
pub(super) fn state(outline: &Outline) -> EventState {
    EventState {
        lane: outline.lane,
        pos: outline.pos,
        stream: outline.stream,
        seq: outline.seq,
        kind: kind(Kind(outline.kind)),
        at: outline.at,
        by: outline.actor,
        command: outline.command,
        data: None,
    }
}

/// What a kind is called: its name on the wire, or its number where this version does not know it.
pub(super) fn kind(kind: Kind) -> String {
    kind.wire_name().map_or_else(|| kind.0.to_string(), str::to_owned)
}

/// The kinds of a name: on the wire, where messages have one wherever they stand, or in the log; or the one of a number.
fn kinds(name: &str) -> Result<Vec<i16>, Refusal> {
    let all = Kind::ALL.into_iter();
    let named = all.filter(|kind| kind.wire_name() == Some(name) || kind.name() == Some(name));
    let mut kinds: Vec<i16> = named.map(|kind| kind.0).collect();
    if kinds.is_empty() {
        let number = name.parse::<i16>();
        kinds.push(number.map_err(|_| Refusal::invalid("kind", "no kind of events has this name"))?);
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_named_as_on_the_wire_as_in_the_log_or_by_its_number() {
        assert_eq!(kinds("message.sent").unwrap(), [16, 21, 22]);
        assert_eq!(kinds("group.renamed").unwrap(), [6]);
        assert_eq!(kinds("999").unwrap(), [999]);
        assert_eq!(kinds("message.lost").unwrap_err().field.as_deref(), Some("kind"));
    }
}
