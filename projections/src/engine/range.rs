//! The next range of a lane: which projections take it, and its events.

use crate::error::ProjectionError;
use crate::fact::Decoded;
use crate::projection::Folds;
use chrono::{DateTime, Utc};
use tidings_eventlog::Log;

/// Payloads that are read at once, in bytes, about.
const BYTES: u64 = 8 << 20;

/// The next range of a lane, and which targets take it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) group: Vec<usize>,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Chooses the targets that are furthest behind, and how far they can go together: to a goal, to where others are, or as far
/// as one range allows. Targets without a position stand still.
pub(crate) fn plan(positions: &[Option<u64>], goals: &[u64], most: u64) -> Option<Next> {
    let active = || {
        positions
            .iter()
            .zip(goals)
            .filter_map(|(pos, goal)| pos.filter(|pos| pos < goal))
    };
    let from = active().min()?;
    let group: Vec<usize> = (0..positions.len())
        .filter(|i| positions[*i] == Some(from) && from < goals[*i])
        .collect();
    let others = active().filter(|pos| *pos > from).min().unwrap_or(u64::MAX);
    let goal = group.iter().map(|i| goals[*i]).min()?;
    Some(Next {
        group,
        from,
        to: others.min(goal).min(from + most),
    })
}

/// Reads and decodes a range of a lane: all of it, or as much from its beginning as is bearable at once.
pub(crate) async fn read(
    log: &Log,
    lane: u8,
    after: u64,
    upto: u64,
) -> Result<Vec<Decoded>, ProjectionError> {
    let most = (upto - after) as usize;
    let records = log.lane_within(lane, after, upto, most, BYTES).await?;
    let last = records.last().map_or(after, |record| record.pos);
    if last == after || last - after != records.len() as u64 {
        return Err(ProjectionError::Hole { lane, after, upto });
    }
    Ok(Decoded::all(records))
}

/// Reads and decodes those events of a range of a lane that somebody `hears`, as far as they were appended at or before `due`; also answers
/// to where. What nobody hears is not read.
pub(crate) async fn heard(
    log: &Log,
    lane: u8,
    (after, upto): (u64, u64),
    hears: Folds,
    due: DateTime<Utc>,
) -> Result<(Vec<Decoded>, u64), ProjectionError> {
    let kinds: Option<Vec<i16>> = match hears {
        Folds::Only(kinds) => Some(kinds.iter().map(|kind| kind.0).collect()),
        Folds::AllBut(_) => None,
    };
    let heard = log
        .lane_of_kinds(lane, (after, upto), due, kinds.as_deref(), BYTES)
        .await?
        .ok_or(ProjectionError::Hole { lane, after, upto })?;
    Ok((Decoded::all(heard.events), heard.to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_behind_go_first_until_they_meet_the_others() {
        let next = plan(&[Some(10), Some(4), None], &[20, 20, 20], 100);
        assert_eq!(
            next,
            Some(Next {
                group: vec![1],
                from: 4,
                to: 10
            })
        );
        let next = plan(&[Some(10), Some(10), None], &[20, 20, 20], 100);
        assert_eq!(
            next,
            Some(Next {
                group: vec![0, 1],
                from: 10,
                to: 20
            })
        );
        assert_eq!(plan(&[Some(20), None], &[20, 20], 100), None);
    }

    #[test]
    fn a_range_ends_at_its_size_and_at_each_goal() {
        assert_eq!(
            plan(&[Some(0)], &[9], 5),
            Some(Next {
                group: vec![0],
                from: 0,
                to: 5
            })
        );
        assert_eq!(
            plan(&[Some(0), Some(0)], &[3, 9], 5),
            Some(Next {
                group: vec![0, 1],
                from: 0,
                to: 3
            })
        );
        assert_eq!(
            plan(&[Some(3), Some(3)], &[3, 9], 5),
            Some(Next {
                group: vec![1],
                from: 3,
                to: 8
            })
        );
    }
}
