//! States from the log: those that are kept beside it, and the control events behind them.

use super::{Known, StreamState};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_domain::FROZEN_VERSION;
use tidings_eventlog::{Log, ReadError, Recorded, Step};
use uuid::Uuid;

/// Control events that one statement brings. Each page is folded before the next is asked for, so that a stream of any length holds up
/// nobody else on the same thread.
const PAGE: usize = 1000;

/// How many times as large a state is in memory as it is beside the log, about.
const THAWED: u64 = 5;

/// Reads states from the log. A stream that cannot be read hinders no other.
pub(crate) async fn read(log: &Log, lane: u8, streams: &[Uuid]) -> Result<Vec<(Uuid, Known)>, ReadError> {
    /// Streams that one statement asks for.
    const AT_ONCE: usize = 256;
    let mut known = Vec::with_capacity(streams.len());
    for chunk in streams.chunks(AT_ONCE) {
        known.extend(read_some(log, lane, chunk, usize::MAX).await?);
    }
    Ok(known)
}

/// The same for the first ones of these streams, one at least, whose states take about `bytes_max` in memory. The others are not told of.
pub(crate) async fn read_within(
    log: &Log,
    lane: u8,
    streams: &[Uuid],
    bytes_max: usize,
) -> Result<Vec<(Uuid, Known)>, ReadError> {
    let kept = log.kept_bytes(lane, streams, FROZEN_VERSION).await?;
    let count = fitting(&kept, bytes_max as u64 / THAWED);
    read_some(log, lane, &streams[..count.min(streams.len())], bytes_max).await
}

/// How many of the first ones there is room for; one at least.
pub(super) fn fitting(bytes: &[u64], room: u64) -> usize {
    let mut taken = 0_u64;
    let fit = bytes.iter().take_while(|bytes| {
        taken = taken.saturating_add(**bytes);
        taken <= room
    });
    fit.count().max(1)
}

/// Reads streams to their ends, one after the other, until their states take `bytes_max` in memory.
async fn read_some(
    log: &Log,
    lane: u8,
    streams: &[Uuid],
    bytes_max: usize,
) -> Result<Vec<(Uuid, Known)>, ReadError> {
    let mut folded: HashMap<Uuid, Option<StreamState>> = streams
        .iter()
        .map(|stream| (*stream, Some(StreamState::default())))
        .collect();
    let mut spoilt = vec![];
    let mut rest = streams;
    while !rest.is_empty() {
        let steps = log.steps(lane, rest, FROZEN_VERSION, PAGE).await?;
        let last = steps.last().map(Step::stream).filter(|_| steps.len() >= PAGE);
        for step in steps {
            match step {
                Step::Kept { first, seq, state } => {
                    if let Some(state) = StreamState::thaw(&first, seq, &state) {
                        folded.insert(first.stream, Some(state));
                    } else {
                        tracing::error!(lane, stream = %first.stream, seq, "a state that was kept cannot be read");
                        spoilt.push(first.stream);
                        folded.remove(&first.stream);
                    }
                }
                Step::Control(recorded) => fold(lane, &mut folded, &recorded),
            }
        }
        // What came in order ended in the middle of one: that one to its end, and then the others.
        let Some(last) = last else { break };
        read_on(log, lane, last, &mut folded).await?;
        let place = rest.iter().position(|stream| *stream == last);
        rest = &rest[place.map_or(rest.len(), |place| place + 1)..];
        let bytes: usize = folded.values().flatten().map(StreamState::bytes).sum();
        if bytes >= bytes_max {
            for stream in rest {
                folded.remove(stream);
            }
            break;
        }
    }
    for stream in spoilt {
        // The events tell the same.
        folded.insert(stream, Some(StreamState::default()));
        read_on(log, lane, stream, &mut folded).await?;
    }
    let known = folded.into_iter().map(|(stream, state)| {
        let known = state.map_or(Known::Unreadable, |state| Known::State(Arc::new(state)));
        (stream, known)
    });
    Ok(known.collect())
}

/// Reads a stream from where its state is to its end, page by page.
async fn read_on(
    log: &Log,
    lane: u8,
    stream: Uuid,
    folded: &mut HashMap<Uuid, Option<StreamState>>,
) -> Result<(), ReadError> {
    while let Some(Some(state)) = folded.get(&stream) {
        let page = log.controls_after(&[(stream, state.guard, 0)], PAGE).await?;
        for recorded in &page {
            fold(lane, folded, recorded);
        }
        if page.len() < PAGE {
            break;
        }
    }
    Ok(())
}

/// The same states with all that the log holds of their streams.
pub(crate) async fn catch_up(
    log: &Log,
    lane: u8,
    states: Vec<(Uuid, Arc<StreamState>)>,
) -> Result<Vec<(Uuid, Known)>, ReadError> {
    let streams: Vec<Uuid> = states.iter().map(|(stream, _)| *stream).collect();
    let states = states.into_iter();
    let mut known: HashMap<Uuid, Known> = states
        .map(|(stream, state)| (stream, Known::State(state)))
        .collect();
    let mut rest = &streams[..];
    while !rest.is_empty() {
        let guard = |stream: &Uuid| match known.get(stream) {
            Some(Known::State(state)) => state.guard,
            _ => u64::MAX,
        };
        let places: Vec<_> = rest.iter().map(|stream| (*stream, guard(stream), 0)).collect();
        let page = log.controls_after(&places, PAGE).await?;
        for recorded in &page {
            if let Some(known) = known.get_mut(&recorded.stream) {
                known.follow(lane, recorded);
            }
        }
        let Some(last) = page.last().filter(|_| page.len() >= PAGE) else {
            break;
        };
        // Those before it are read to their ends.
        let place = rest.iter().position(|stream| *stream == last.stream);
        rest = &rest[place.unwrap_or(0)..];
    }
    Ok(known.into_iter().collect())
}

/// Folds a control event into the state of its stream; one that cannot be read makes it none.
fn fold(lane: u8, folded: &mut HashMap<Uuid, Option<StreamState>>, recorded: &Recorded) {
    if let Some(state) = folded.get_mut(&recorded.stream)
        && let Some(readable) = state
        && let Err(error) = readable.fold(recorded)
    {
        tracing::error!(lane, pos = recorded.pos, %error, "a control event cannot be read");
        *state = None;
    }
}
