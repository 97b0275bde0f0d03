//! Notices: events of some kinds, of a user's stream, that are read apart from the others of that stream.

use crate::read::{COLUMNS, Log, ReadError, recorded, signed, unsigned};
use crate::record::{Recorded, lane_of};
use std::ops::RangeInclusive;
use uuid::Uuid;

/// The kinds that the log's index of notices holds.
pub const NOTICES: RangeInclusive<i16> = 69..=95;

/// Notices of a stream that are asked about: those behind `after`, up to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeRange {
    pub stream: Uuid,
    pub after: u64,
    pub to: u64,
}

/// What there is of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticesFound {
    /// The seq of the last one.
    pub last: u64,
    /// The last of those that are left out, where there are more than were asked for.
    pub left_out: Option<u64>,
}

impl Log {
    /// Looks for the newest notices of each range, of each as many as `most` says at the same place; `None` where there are none.
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe.
    pub async fn find_notices(
        &self,
        ranges: &[NoticeRange],
        most: &[u64],
    ) -> Result<Vec<Option<NoticesFound>>, ReadError> {
        let lanes: Vec<i16> = ranges
            .iter()
            .map(|range| i16::from(lane_of(range.stream)))
            .collect();
        let streams: Vec<Uuid> = ranges.iter().map(|range| range.stream).collect();
        let after: Vec<i64> = ranges.iter().map(|range| signed(range.after)).collect();
        let to: Vec<i64> = ranges.iter().map(|range| signed(range.to)).collect();
        let most: Vec<i64> = most.iter().copied().map(signed).collect();
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("notices/find.sql")).await?;
            let rows = client
                .query(&statement, &[&lanes, &streams, &after, &to, &most])
                .await?;
            let mut found = vec![None; ranges.len()];
            for row in rows {
                let index = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
                if let Some(place) = found.get_mut(index.wrapping_sub(1)) {
                    *place = Some(NoticesFound {
                        last: unsigned(row.try_get(1)?),
                        left_out: row.try_get::<_, Option<i64>>(2)?.map(unsigned),
                    });
                }
            }
            Ok(found)
        })
        .await
    }

    /// The first notices of a range, in order: at most `limit`, and no more after those whose payloads come to `bytes` together. There is
    /// at least one, if there is any.
    ///
    /// # Errors
    /// When the log does not answer; reading again is safe.
    pub async fn notices(
        &self,
        range: NoticeRange,
        limit: usize,
        bytes: u64,
    ) -> Result<Vec<Recorded>, ReadError> {
        let sql = include_str!("notices/page.sql").replace("{columns}", COLUMNS);
        let lane = i16::from(lane_of(range.stream));
        let (after, to) = (signed(range.after), signed(range.to));
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let rows = client
                .query(
                    &statement,
                    &[&lane, &range.stream, &after, &to, &(limit as i64), &signed(bytes)],
                )
                .await?;
            rows.iter().map(recorded).collect()
        })
        .await
    }
}
