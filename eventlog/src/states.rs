//! States of streams that are kept beside the log, so that a long stream need not be folded from its first event. They are
//! copies: where there is none, or none in the form that is asked for, the control events tell the same.

use crate::read::{COLUMNS, Log, ReadError, recorded_at, unsigned};
use crate::record::Recorded;
use bytes::Bytes;
use uuid::Uuid;

/// One step from nothing to a stream's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A state that was kept, with all control events up to `seq` folded in. The stream's `first` event comes with it.
    Kept {
        first: Recorded,
        seq: u64,
        state: Bytes,
    },
    Control(Recorded),
}

/// A state to be kept.
#[derive(Clone, Debug)]
pub struct Keep {
    pub lane: u8,
    pub stream: Uuid,
    /// The time line that it was folded on.
    pub epoch: u32,
    /// Seq of the last control event that is folded in.
    pub seq: u64,
    /// Names the form of `state` and what is folded.
    pub form: i16,
    pub state: Vec<u8>,
}

impl Log {
    /// The steps to the states of several streams of a lane, as of one moment, stream by stream: the state that is kept in the given
    /// form, if there is one, and the control events behind it, in order.
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe.
    pub async fn steps(&self, lane: u8, streams: &[Uuid], form: i16) -> Result<Vec<Step>, ReadError> {
        let lane = i16::from(lane);
        let first = COLUMNS.replace("payload", "k.state");
        let sql = format!(
            "SELECT e.* FROM unnest($2::uuid[]) WITH ORDINALITY u(id, i) \
             LEFT JOIN LATERAL (SELECT s.seq AS folded, s.state FROM stream_state s JOIN log_lane l ON l.lane = $1 \
               WHERE s.lane = $1 AND s.stream = u.id AND s.form = $3 AND s.epoch = l.epoch LIMIT 1) k ON true \
             CROSS JOIN LATERAL ( \
               (SELECT {first}, false, k.folded FROM event e WHERE k.folded IS NOT NULL \
                 AND e.lane = $1 AND e.stream = u.id AND e.seq = 1 LIMIT 1) \
               UNION ALL \
               (SELECT {COLUMNS}, false, NULL FROM event e WHERE e.lane = $1 AND e.stream = u.id AND e.control \
                 AND e.seq > coalesce(k.folded, 0) ORDER BY e.seq)) e \
             ORDER BY u.i, e.seq"
        );
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let rows = client.query(&statement, &[&lane, &streams, &form]).await?;
            let step = |row| {
                let recorded = recorded_at(row, 0)?;
                Ok(match row.try_get::<_, Option<i64>>(14)? {
                    None => Step::Control(recorded),
                    Some(seq) => Step::Kept {
                        seq: unsigned(seq),
                        state: recorded.payload.clone(),
                        first: recorded,
                    },
                })
            };
            rows.iter().map(step).collect()
        })
        .await
    }

    /// Keeps a state, unless the log has gone back meanwhile, or a newer one or one in a later form is kept.
    ///
    /// # Errors
    /// When the log does not answer; the state may be kept or not.
    pub async fn keep(&self, keep: &Keep) -> Result<(), ReadError> {
        let (lane, epoch, seq) = (i16::from(keep.lane), keep.epoch as i32, keep.seq as i64);
        self.bounded(async |client| {
            let statement = client
                .prepare_cached(
                    "INSERT INTO stream_state AS k (lane, stream, seq, form, epoch, state) \
                     SELECT $1, $2, $3, $4, $5, $6 FROM stream s JOIN log_lane l ON l.lane = $1 \
                      WHERE s.lane = $1 AND s.stream = $2 AND s.guard_seq >= $3 AND l.epoch = $5 \
                     ON CONFLICT (lane, stream) DO UPDATE \
                     SET seq = excluded.seq, form = excluded.form, epoch = excluded.epoch, state = excluded.state \
                     WHERE (k.epoch, k.form, k.seq) < (excluded.epoch, excluded.form, excluded.seq)",
                )
                .await?;
            let parameters: [&(dyn postgres_types::ToSql + Sync); 6] =
                [&lane, &keep.stream, &seq, &keep.form, &epoch, &keep.state];
            client.execute(&statement, &parameters).await?;
            Ok(())
        })
        .await
    }
}
