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

impl Step {
    /// The stream that it is a step of.
    pub fn stream(&self) -> Uuid {
        match self {
            Self::Kept { first, .. } => first.stream,
            Self::Control(recorded) => recorded.stream,
        }
    }
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
    /// form, if there is one, and the control events behind it, in order. At most `limit` in all: the last stream that is told of may
    /// then go on, and those behind it are not told of.
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe.
    pub async fn steps(
        &self,
        lane: u8,
        streams: &[Uuid],
        form: i16,
        limit: usize,
    ) -> Result<Vec<Step>, ReadError> {
        let lane = i16::from(lane);
        let first = COLUMNS.replace("payload", "k.state");
        let sql = include_str!("states/steps.sql")
            .replace("{first}", &first)
            .replace("{columns}", COLUMNS);
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let rows = client
                .query(&statement, &[&lane, &streams, &form, &(limit as i64)])
                .await?;
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

    /// How many bytes the states have that are kept of streams of a lane in the given form, of each in the order asked for: 0 where there is
    /// none.
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe.
    pub async fn kept_bytes(&self, lane: u8, streams: &[Uuid], form: i16) -> Result<Vec<u64>, ReadError> {
        let lane = i16::from(lane);
        self.bounded(async |client| {
            let statement = client
                .prepare_cached(include_str!("states/kept_bytes.sql"))
                .await?;
            let rows = client.query(&statement, &[&lane, &streams, &form]).await?;
            rows.iter().map(|row| Ok(unsigned(row.try_get(0)?))).collect()
        })
        .await
    }

    /// Keeps a state beside those in other forms, unless the log has gone back meanwhile, or a newer one is kept in its form.
    ///
    /// # Errors
    /// When the log does not answer; the state may be kept or not.
    pub async fn keep(&self, keep: &Keep) -> Result<(), ReadError> {
        let (lane, epoch, seq) = (i16::from(keep.lane), keep.epoch as i32, keep.seq as i64);
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("states/keep.sql")).await?;
            let parameters: [&(dyn postgres_types::ToSql + Sync); 6] =
                [&lane, &keep.stream, &seq, &keep.form, &epoch, &keep.state];
            client.execute(&statement, &parameters).await?;
            Ok(())
        })
        .await
    }
}
