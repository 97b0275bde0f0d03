//! Reads of stream ranges that are bounded in bytes as well as in events.

use crate::read::{COLUMNS, Log, ReadError, recorded_at};
use crate::record::{Recorded, lane_of};
use crate::subjects::Subjects;
use uuid::Uuid;

/// Ranges of streams, read as one: the events come range by range, each in order, until there are enough bytes.
#[derive(Clone, Debug)]
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
        // What was withdrawn of a range is looked up once for all of it; only revisions, which are rare, ask one by one.
        let (gone, withdrawn) = match self.subjects {
            Some(Subjects {
                subject,
                revision,
                withdrawal,
                ..
            }) => (
                format!(
                    "ARRAY(SELECT log_subject(w.payload) FROM event w WHERE w.lane = u.lane_no AND w.stream = u.id \
                    AND w.kind = {withdrawal} AND log_subject(w.payload) BETWEEN u.f AND u.t)"
                ),
                format!(
                    "CASE e.kind WHEN {subject} THEN e.seq = ANY(g.gone) WHEN {revision} THEN EXISTS (SELECT FROM event w \
                    WHERE w.lane = u.lane_no AND w.stream = u.id AND w.kind = {withdrawal} \
                    AND log_subject(w.payload) = log_subject(e.payload)) ELSE false END"
                ),
            ),
            None => ("NULL::bigint[]".to_owned(), "false".to_owned()),
        };
        // A payload's length is known without reading it out of line: what is left out costs no more than its row.
        let sql = format!(
            "SELECT page, {COLUMNS}, withdrawn FROM (SELECT u.page, u.bytes, u.i, e.*, sum(octet_length(e.payload)) OVER \
             (PARTITION BY u.page ORDER BY u.i, e.seq ROWS UNBOUNDED PRECEDING) - octet_length(e.payload) AS before \
             FROM unnest($1::int[], $2::bigint[], $3::smallint[], $4::uuid[], $5::bigint[], $6::bigint[]) \
             WITH ORDINALITY u(page, bytes, lane_no, id, f, t, i) CROSS JOIN LATERAL (SELECT {gone} AS gone OFFSET 0) g \
             CROSS JOIN LATERAL (SELECT {COLUMNS}, {withdrawn} AS withdrawn FROM event e \
             WHERE e.lane = u.lane_no AND e.stream = u.id AND e.seq >= u.f AND e.seq <= u.t ORDER BY e.seq) e) s \
             WHERE s.before < s.bytes ORDER BY page, i, seq"
        );
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
