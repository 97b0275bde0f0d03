//! How far the log, its lanes and its streams have come, and what names the log.

use crate::read::{Log, ReadError, lane, unsigned};
use crate::record::{LaneHead, StreamHead, lane_of};
use tokio_postgres::Row;
use uuid::Uuid;

impl Log {
    /// The log's own id, made with the database.
    pub async fn identity(&self) -> Result<Uuid, ReadError> {
        self.bounded(async |client| {
            let row = client.query_one("SELECT id FROM log_identity", &[]).await?;
            Ok(row.try_get(0)?)
        })
        .await
    }

    /// The log's secret, made with the database: for fingerprints of commands. Not to be shown or logged.
    pub async fn secret(&self) -> Result<Vec<u8>, ReadError> {
        self.bounded(async |client| {
            let row = client.query_one("SELECT secret FROM log_identity", &[]).await?;
            Ok(row.try_get(0)?)
        })
        .await
    }

    /// All lanes and how far each has come, by lane.
    pub async fn heads(&self) -> Result<Vec<LaneHead>, ReadError> {
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("heads/lanes.sql")).await?;
            let rows = client.query(&statement, &[]).await?;
            rows.iter().map(lane_head).collect()
        })
        .await
    }

    /// Where the lane of `known` is now, asked of the row itself. When it has not come as far as was known, what lies
    /// between is lost: a new time line begins, for everybody, and is answered.
    pub async fn confirm_head(&self, known: LaneHead) -> Result<LaneHead, ReadError> {
        let (lane, epoch, head) = (i16::from(known.lane), known.epoch as i32, known.head as i64);
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("heads/confirm.sql")).await?;
            lane_head(&client.query_one(&statement, &[&lane, &epoch, &head]).await?)
        })
        .await
    }

    /// Begins a new time line in every lane: to be called when the log has been restored. Answers the lanes.
    pub async fn begin_time_line(&self) -> Result<Vec<LaneHead>, ReadError> {
        self.bounded(async |client| {
            let sql = "UPDATE log_lane SET epoch = log_next_epoch(epoch) RETURNING lane, head, epoch";
            let mut lanes: Vec<LaneHead> = client
                .query(sql, &[])
                .await?
                .iter()
                .map(lane_head)
                .collect::<Result<_, _>>()?;
            lanes.sort_by_key(|lane| lane.lane);
            Ok(lanes)
        })
        .await
    }

    /// Heads of the given streams, in the same order; `None` where a stream does not exist.
    pub async fn stream_heads(&self, streams: &[Uuid]) -> Result<Vec<Option<StreamHead>>, ReadError> {
        let lanes: Vec<i16> = streams.iter().map(|stream| i16::from(lane_of(*stream))).collect();
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("heads/streams.sql")).await?;
            let rows = client.query(&statement, &[&lanes, &streams]).await?;
            rows.iter()
                .map(|row| {
                    let Some(seq) = row.try_get::<_, Option<i64>>(1)? else {
                        return Ok(None);
                    };
                    Ok(Some(StreamHead {
                        stream: row.try_get(0)?,
                        seq: unsigned(seq),
                        msg_no: unsigned(row.try_get(2)?),
                        guard: unsigned(row.try_get(3)?),
                        last_at: row.try_get(4)?,
                    }))
                })
                .collect()
        })
        .await
    }

    /// `msg_no` at each `(stream, seq)`, in the same order; `None` where the stream does not reach that far.
    pub async fn msg_nos(&self, places: &[(Uuid, u64)]) -> Result<Vec<Option<u64>>, ReadError> {
        let lanes: Vec<i16> = places
            .iter()
            .map(|(stream, _)| i16::from(lane_of(*stream)))
            .collect();
        let streams: Vec<Uuid> = places.iter().map(|(stream, _)| *stream).collect();
        let seqs: Vec<i64> = places
            .iter()
            .map(|(_, seq)| i64::try_from(*seq).unwrap_or(i64::MAX))
            .collect();
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("heads/msg_nos.sql")).await?;
            let rows = client.query(&statement, &[&lanes, &streams, &seqs]).await?;
            rows.iter()
                .map(|row| Ok(row.try_get::<_, Option<i64>>(0)?.map(unsigned)))
                .collect()
        })
        .await
    }
}

fn lane_head(row: &Row) -> Result<LaneHead, ReadError> {
    Ok(LaneHead {
        lane: lane(row.try_get(0)?),
        head: unsigned(row.try_get(1)?),
        epoch: u32::try_from(row.try_get::<_, i32>(2)?).unwrap_or(0),
    })
}
