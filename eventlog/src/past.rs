//! What a stream was at an earlier moment: up to where it had come, the control events until then, and the marks that were on its subjects.

use crate::read::{COLUMNS, Log, ReadError, halves, recorded, signed, unsigned};
use crate::record::{Recorded, lane_of};
use bytes::Bytes;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A mark that somebody had on a subject then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The seq of the subject.
    pub subject: u64,
    pub mark: Bytes,
    pub actor: Uuid,
    /// The seq of the event since which it was on.
    pub seq: u64,
}

impl Log {
    /// The last seq of a stream, at or below `head`, whose event stands at or below a position of the stream's lane; 0 where none does.
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe.
    pub async fn stream_upto(&self, stream: Uuid, head: u64, pos: u64) -> Result<u64, ReadError> {
        let (lane, head, pos) = (i16::from(lane_of(stream)), signed(head), signed(pos));
        let sql = halves("e.pos <= $3::bigint", "e.stream = $4 AND e.seq =");
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let row = client
                .query_one(&statement, &[&lane, &head, &pos, &stream])
                .await?;
            Ok(unsigned(row.try_get(0)?))
        })
        .await
    }

    /// The control events of a stream with `after < seq <= upto`, in order, at most `limit`. Those of the kinds `untold` come with an empty
    /// payload.
    ///
    /// # Errors
    /// When the log does not answer; reading again is safe.
    pub async fn controls_upto(
        &self,
        stream: Uuid,
        (after, upto): (u64, u64),
        untold: &[i16],
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let (lane, after, upto) = (i16::from(lane_of(stream)), signed(after), signed(upto));
        let told = "CASE WHEN kind = ANY($6::smallint[]) THEN ''::bytea ELSE payload END";
        let sql = include_str!("past/controls.sql").replace("{columns}", &COLUMNS.replace("payload", told));
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let rows = client
                .query(
                    &statement,
                    &[&lane, &stream, &after, &upto, &(limit as i64), &untold],
                )
                .await?;
            rows.iter().map(recorded).collect()
        })
        .await
    }

    /// The marks that people had on subjects of a stream, each named by its seq, when the stream had come to `upto`: by subject, mark and who
    /// put it there. `None` where more than `limit` events of putting them on and taking them off would have to be looked at, and in a log that
    /// was not told its [`Subjects`](crate::Subjects).
    ///
    /// # Errors
    /// When the log does not answer; reading again is safe.
    pub async fn marks_upto(
        &self,
        stream: Uuid,
        subjects: &[u64],
        upto: u64,
        limit: usize,
    ) -> Result<Option<Vec<Marked>>, ReadError> {
        let Some(kinds) = self.subjects else {
            return Ok(None);
        };
        let sql = include_str!("past/marks.sql").replace("{mark}", &kinds.mark.to_string());
        let (lane, upto, most) = (i16::from(lane_of(stream)), signed(upto), limit as i64 + 1);
        let subjects: Vec<i64> = subjects.iter().map(|seq| signed(*seq)).collect();
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let rows = client
                .query(&statement, &[&lane, &stream, &subjects, &upto, &most])
                .await?;
            if rows.len() > limit {
                return Ok(None);
            }
            // By whom it is of, what they did, in order.
            let mut changes: BTreeMap<(u64, Bytes, Uuid), BTreeMap<u64, bool>> = BTreeMap::new();
            for row in &rows {
                let Some(mark) = row.try_get::<_, Option<&[u8]>>(1)? else {
                    continue;
                };
                let key = (
                    unsigned(row.try_get(0)?),
                    Bytes::copy_from_slice(mark),
                    row.try_get(2)?,
                );
                let seq = unsigned(row.try_get(3)?);
                changes.entry(key).or_default().insert(seq, row.try_get(4)?);
            }
            let marked = changes
                .into_iter()
                .filter_map(|((subject, mark, actor), changes)| {
                    let seq = held_since(&changes)?;
                    Some(Marked {
                        subject,
                        mark,
                        actor,
                        seq,
                    })
                });
            Ok(Some(marked.collect()))
        })
        .await
    }
}

/// Since when a mark is on that was put on and taken off at these seqs; `None` where it is off. One that is on already keeps its place.
fn held_since(changes: &BTreeMap<u64, bool>) -> Option<u64> {
    changes.iter().fold(
        None,
        |since, (seq, held)| {
            if *held { since.or(Some(*seq)) } else { None }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_on_since_it_was_put_there_and_not_taken_off_again() {
        for (changes, since) in [
            (vec![], None),
            (vec![(3, true)], Some(3)),
            (vec![(3, true), (5, true)], Some(3)),
            (vec![(3, true), (5, false)], None),
            (vec![(3, true), (5, false), (8, true)], Some(8)),
        ] {
            assert_eq!(held_since(&changes.into_iter().collect()), since);
        }
    }
}
