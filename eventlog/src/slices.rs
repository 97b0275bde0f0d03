//! Reads of stream ranges that are bounded in bytes as well as in events.

use crate::read::{COLUMNS, Log, ReadError, recorded_at};
use crate::record::{Recorded, lane_of};
use crate::subjects::{WHOLE, standing};
use uuid::Uuid;

/// Ranges of streams, read as one: the events come range by range, each in order, until there are enough bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Streams, each with the first and last seq wanted of it.
    pub ranges: Vec<(Uuid, u64, u64)>,
    /// No event is begun behind this many bytes of payload; so the first one comes in any case.
    pub bytes: u64,
}

impl Log {
    /// What each slice holds, in the order of the slices. What does not fit into a slice is left out at its end.
    ///
    /// # Errors
    /// When the log does not answer; reading again is safe.
    pub async fn slices(&self, slices: &[Slice]) -> Result<Vec<Vec<Recorded>>, ReadError> {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (mut of, mut bytes, mut lanes, mut streams, mut from, mut to) =
            (vec![], vec![], vec![], vec![], vec![], vec![]);
        for (index, slice) in (0_i32..).zip(slices) {
            for (stream, first, last) in &slice.ranges {
                of.push(index);
                bytes.push(signed(slice.bytes));
                lanes.push(i16::from(lane_of(*stream)));
                streams.push(*stream);
                from.push(signed(*first));
                to.push(signed(*last));
            }
        }
        // What was withdrawn of a range or is withheld is looked up once for all of it; only revisions, which are rare, ask one by one.
        let none = || "NULL::bigint[]".to_owned();
        let (gone, held, standing) = match self.subjects {
            Some(subjects) => (
                subjects.named(include_str!("slices/gone.sql")),
                subjects.named(include_str!("slices/held.sql")),
                subjects.named(&standing(
                    include_str!("slices/withdrawn.sql"),
                    include_str!("slices/withheld.sql"),
                )),
            ),
            None => (none(), none(), WHOLE.to_owned()),
        };
        // A payload's length is known without reading it out of line: what is left out costs no more than its row.
        let sql = include_str!("slices/slices.sql")
            .replace("{gone}", &gone)
            .replace("{held}", &held)
            .replace("{standing}", &standing)
            .replace("{columns}", COLUMNS);
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let rows = client
                .query(&statement, &[&of, &bytes, &lanes, &streams, &from, &to])
                .await?;
            let mut of_each = vec![vec![]; slices.len()];
            for row in rows {
                let index = usize::try_from(row.try_get::<_, i32>(0)?).unwrap_or(usize::MAX);
                if let Some(events) = of_each.get_mut(index) {
                    events.push(recorded_at(&row, 1)?);
                }
            }
            Ok(of_each)
        })
        .await
    }
}
