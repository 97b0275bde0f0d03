//! Reads: by lane range, by stream range, heads, and the control events that state is folded from.

use crate::append::Repeat;
use crate::blame::describe;
use crate::pool::{Lease, Pool};
use crate::record::{LaneHead, Recorded, StreamHead, lane_of};
use crate::subjects::Subjects;
use bytes::Bytes;
use std::future::Future;
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::Row;
use uuid::Uuid;

pub(crate) const COLUMNS: &str =
    "lane, pos, stream, seq, msg_no, kind, ver, control, actor, at, command, idx, payload";

/// Why a read failed. Trying again later is safe.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("no connection to the log: {0}")]
    Pool(String),
    #[error("the log could not answer: {0}")]
    Database(String),
    #[error("the log did not answer within {0:?}")]
    Timeout(Duration),
}

impl From<tokio_postgres::Error> for ReadError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(describe(&error))
    }
}

/// The reading side of the log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Log {
    pool: Pool,
    timeout: Duration,
    pub(crate) subjects: Option<Subjects>,
}

impl Log {
    /// Reads through `pool`; no single read waits longer than `timeout`.
    pub fn new(pool: Pool, timeout: Duration) -> Self {
        Self {
            pool,
            timeout,
            subjects: None,
        }
    }

    /// The same log, where ranges of lanes and streams are read with whether each event was [withdrawn](Recorded::withdrawn), and
    /// [`subjects`](Self::subjects) are found. What folds the log does not need to know, and is spared the look-ups.
    #[must_use]
    pub fn knowing(mut self, subjects: Subjects) -> Self {
        self.subjects = Some(subjects);
        self
    }

    /// The same log over a [portion](Pool::portion) of the sessions.
    #[must_use]
    pub fn portion(&self, size: usize) -> Self {
        Self {
            pool: self.pool.portion(size),
            ..self.clone()
        }
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

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
            let statement = client
                .prepare_cached("SELECT lane, head, epoch FROM log_lane ORDER BY lane")
                .await?;
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
            let statement = client
                .prepare_cached(
                    "WITH begun AS (UPDATE log_lane SET epoch = log_next_epoch($2) \
                     WHERE lane = $1 AND (epoch < $2 OR epoch = $2 AND head < $3) RETURNING lane, head, epoch) \
                     SELECT lane, head, epoch FROM begun UNION ALL \
                     SELECT lane, head, epoch FROM log_lane WHERE lane = $1 AND NOT EXISTS (SELECT FROM begun)",
                )
                .await?;
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

    /// Events of a lane with `after < pos <= upto`, in order, at most `limit`.
    pub async fn lane(
        &self,
        lane: u8,
        after: u64,
        upto: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let shown = self.shown("e");
        let sql = format!(
            "SELECT {shown} FROM event e WHERE lane = $1 AND pos > $2 AND pos <= $3 ORDER BY pos LIMIT $4"
        );
        let upto = i64::try_from(upto).unwrap_or(i64::MAX);
        self.events(&sql, i16::from(lane), None, &[after as i64, upto, limit as i64])
            .await
    }

    /// The same while the lane is in the time line `epoch`, and nothing when it is in another: there, other events may be at these
    /// positions. Which one it is in is read in the same snapshot.
    pub async fn lane_in(
        &self,
        lane: u8,
        epoch: u32,
        after: u64,
        upto: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let shown = self.shown("e");
        let sql = format!(
            "SELECT {shown} FROM event e WHERE lane = $1 AND pos > $2 AND pos <= $3 \
             AND EXISTS (SELECT FROM log_lane WHERE lane = $1 AND epoch::bigint = $5) ORDER BY pos LIMIT $4"
        );
        let upto = i64::try_from(upto).unwrap_or(i64::MAX);
        let numbers = [after as i64, upto, limit as i64, i64::from(epoch)];
        self.events(&sql, i16::from(lane), None, &numbers).await
    }

    /// Events of a lane with `after < pos <= upto`, in order: at most `limit`, and no more after those whose payloads come to
    /// `bytes` together. There is at least one, if there is any.
    pub async fn lane_within(
        &self,
        lane: u8,
        after: u64,
        upto: u64,
        limit: usize,
        bytes: u64,
    ) -> Result<Vec<Recorded>, ReadError> {
        let shown = self.shown("e");
        let sql = format!(
            "SELECT {shown} FROM (SELECT {COLUMNS}, sum(octet_length(payload)) OVER (ORDER BY pos) - octet_length(payload) \
             AS before FROM event WHERE lane = $1 AND pos > $2 AND pos <= $3 ORDER BY pos LIMIT $4) e WHERE before < $5 ORDER BY pos"
        );
        let upto = i64::try_from(upto).unwrap_or(i64::MAX);
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.events(
            &sql,
            i16::from(lane),
            None,
            &[after as i64, upto, limit as i64, bytes],
        )
        .await
    }

    /// Events of a stream with `from <= seq <= to`, in order, at most `limit`.
    pub async fn stream(
        &self,
        stream: Uuid,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let shown = self.shown("e");
        let sql = format!(
            "SELECT {shown} FROM event e WHERE lane = $1 AND stream = $2 AND seq >= $3 AND seq <= $4 ORDER BY seq LIMIT $5"
        );
        let to = i64::try_from(to).unwrap_or(i64::MAX);
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        self.events(
            &sql,
            i16::from(lane_of(stream)),
            Some(stream),
            &[from, to, limit as i64],
        )
        .await
    }

    /// The control events of a stream, in order: all that its state is folded from.
    pub async fn controls(&self, stream: Uuid) -> Result<Vec<Recorded>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS}, false FROM event WHERE lane = $1 AND stream = $2 AND control ORDER BY seq"
        );
        self.events(&sql, i16::from(lane_of(stream)), Some(stream), &[])
            .await
    }

    /// The control events of several streams at once, each with a seq and a position above the given ones, stream by stream,
    /// each in order, at most `limit` in all.
    pub async fn controls_after(
        &self,
        places: &[(Uuid, u64, u64)],
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let lanes: Vec<i16> = places
            .iter()
            .map(|(stream, ..)| i16::from(lane_of(*stream)))
            .collect();
        let streams: Vec<Uuid> = places.iter().map(|(stream, ..)| *stream).collect();
        let seqs: Vec<i64> = places.iter().map(|(_, seq, _)| signed(*seq)).collect();
        let positions: Vec<i64> = places.iter().map(|(.., pos)| signed(*pos)).collect();
        let sql = format!(
            "SELECT e.* FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[]) WITH ORDINALITY u(lane, id, s, p, i) \
             CROSS JOIN LATERAL (SELECT {COLUMNS}, false FROM event e WHERE e.lane = u.lane AND e.stream = u.id AND e.control \
             AND e.seq > u.s AND e.pos > u.p ORDER BY e.seq LIMIT $5) e ORDER BY u.i, e.seq LIMIT $5"
        );
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            client
                .query(
                    &statement,
                    &[&lanes, &streams, &seqs, &positions, &(limit as i64)],
                )
                .await?
                .iter()
                .map(recorded)
                .collect()
        })
        .await
    }

    /// What a refusal is confirmed by, in one snapshot: for each `(stream, command)` of a lane, the last event that the
    /// command wrote anywhere in the lane, and the stream's guard, 0 where there is no such stream. `proposal` is the index in
    /// `asked`.
    pub async fn doubts(
        &self,
        lane: u8,
        asked: &[(Uuid, Uuid)],
    ) -> Result<Vec<(Option<Repeat>, u64)>, ReadError> {
        let lane = i16::from(lane);
        let (streams, commands): (Vec<Uuid>, Vec<Uuid>) = asked.iter().copied().unzip();
        self.bounded(async |client| {
            let statement = client
                .prepare_cached(
                    "SELECT s.guard_seq, p.stream, p.pos, p.seq, p.at, p.actor, p.digest \
                     FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY u(stream, command, i) \
                     LEFT JOIN LATERAL (SELECT s.guard_seq FROM stream s WHERE s.lane = $1 AND s.stream = u.stream LIMIT 1) s ON true \
                     LEFT JOIN LATERAL (SELECT e.stream, e.pos, e.seq, e.at, e.actor, e.digest FROM event e \
                     WHERE e.lane = $1 AND e.command = u.command ORDER BY e.idx DESC LIMIT 1) p ON true ORDER BY u.i",
                )
                .await?;
            let rows = client.query(&statement, &[&lane, &streams, &commands]).await?;
            let doubt = |(proposal, row): (usize, &Row)| {
                let guard = row.try_get::<_, Option<i64>>(0)?.map_or(0, unsigned);
                let Some(stream) = row.try_get::<_, Option<Uuid>>(1)? else {
                    return Ok((None, guard));
                };
                let repeat = Repeat {
                    proposal,
                    stream,
                    pos: unsigned(row.try_get(2)?),
                    seq: unsigned(row.try_get(3)?),
                    at: row.try_get(4)?,
                    actor: row.try_get(5)?,
                    digest: row.try_get(6)?,
                };
                Ok((Some(repeat), guard))
            };
            rows.iter().enumerate().map(doubt).collect()
        })
        .await
    }

    /// Heads of the given streams, in the same order; `None` where a stream does not exist.
    pub async fn stream_heads(&self, streams: &[Uuid]) -> Result<Vec<Option<StreamHead>>, ReadError> {
        let lanes: Vec<i16> = streams.iter().map(|stream| i16::from(lane_of(*stream))).collect();
        self.bounded(async |client| {
            let statement = client
                .prepare_cached(
                    "SELECT u.id, p.head_seq, p.msg_no, p.guard_seq, p.last_at FROM unnest($1::smallint[], $2::uuid[]) WITH ORDINALITY u(lane, id, i) \
                     LEFT JOIN LATERAL (SELECT * FROM stream s WHERE s.lane = u.lane AND s.stream = u.id LIMIT 1) p ON true ORDER BY u.i",
                )
                .await?;
            let rows = client.query(&statement, &[&lanes, &streams]).await?;
            rows.iter()
                .map(|row| {
                    let Some(seq) = row.try_get::<_, Option<i64>>(1)? else { return Ok(None) };
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
            let statement = client
                .prepare_cached(
                    "SELECT p.msg_no FROM unnest($1::smallint[], $2::uuid[], $3::bigint[]) WITH ORDINALITY u(lane, id, seq, i) \
                     LEFT JOIN LATERAL (SELECT e.msg_no FROM event e WHERE e.lane = u.lane AND e.stream = u.id AND e.seq = u.seq LIMIT 1) p ON true \
                     ORDER BY u.i",
                )
                .await?;
            let rows = client.query(&statement, &[&lanes, &streams, &seqs]).await?;
            rows.iter().map(|row| Ok(row.try_get::<_, Option<i64>>(0)?.map(unsigned))).collect()
        })
        .await
    }

    /// The newest events of one kind of a stream, at most `limit`, the newest first.
    pub async fn newest(&self, stream: Uuid, kind: i16, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS}, false FROM event WHERE lane = $1 AND stream = $2 AND kind = $3 ORDER BY seq DESC LIMIT $4"
        );
        let lane = i16::from(lane_of(stream));
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let rows = client
                .query(&statement, &[&lane, &stream, &kind, &(limit as i64)])
                .await?;
            rows.iter().map(recorded).collect()
        })
        .await
    }

    /// Which of the given `(stream, command)` of a lane have written an event of `kind`.
    pub async fn written(
        &self,
        lane: u8,
        kind: i16,
        asked: &[(Uuid, Uuid)],
    ) -> Result<Vec<(Uuid, Uuid)>, ReadError> {
        let lane = i16::from(lane);
        let (streams, commands): (Vec<Uuid>, Vec<Uuid>) = asked.iter().copied().unzip();
        self.bounded(async |client| {
            let statement = client
                .prepare_cached(
                    "SELECT u.stream, u.command FROM unnest($2::uuid[], $3::uuid[]) u(stream, command) \
                     CROSS JOIN LATERAL (SELECT 1 FROM event e \
                     WHERE e.lane = $1 AND e.command = u.command AND e.stream = u.stream AND e.kind = $4 LIMIT 1) p",
                )
                .await?;
            let rows = client.query(&statement, &[&lane, &streams, &commands, &kind]).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
        })
        .await
    }

    /// Columns of an event's row `of` as it is read for others: [`COLUMNS`] and whether it was withdrawn.
    fn shown(&self, of: &str) -> String {
        match self.subjects {
            Some(subjects) => format!("{COLUMNS}, {}", subjects.withdrawn(of)),
            None => format!("{COLUMNS}, false"),
        }
    }

    async fn events(
        &self,
        sql: &str,
        lane: i16,
        stream: Option<Uuid>,
        numbers: &[i64],
    ) -> Result<Vec<Recorded>, ReadError> {
        self.bounded(async |client| {
            let statement = client.prepare_cached(sql).await?;
            let mut parameters: Vec<&(dyn postgres_types::ToSql + Sync)> = vec![&lane];
            if let Some(stream) = &stream {
                parameters.push(stream);
            }
            parameters.extend(
                numbers
                    .iter()
                    .map(|number| number as &(dyn postgres_types::ToSql + Sync)),
            );
            let rows = client.query(&statement, &parameters).await?;
            rows.iter().map(recorded).collect()
        })
        .await
    }

    /// Runs one read on a borrowed session within the time-out, which cancels it.
    pub(crate) async fn bounded<T, F>(&self, read: F) -> Result<T, ReadError>
    where
        F: AsyncFnOnce(&Lease) -> Result<T, ReadError>,
    {
        let reading = async {
            let client = self
                .pool
                .get()
                .await
                .map_err(|error| ReadError::Pool(error.to_string()))?;
            read(&client).await
        };
        within(self.timeout, reading).await
    }
}

async fn within<T>(
    limit: Duration,
    reading: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    tokio::time::timeout(limit, reading)
        .await
        .unwrap_or(Err(ReadError::Timeout(limit)))
}

fn recorded(row: &Row) -> Result<Recorded, ReadError> {
    recorded_at(row, 0)
}

/// The same where [`COLUMNS`], with whether it was withdrawn behind them, begin with column `first`.
pub(crate) fn recorded_at(row: &Row, first: usize) -> Result<Recorded, ReadError> {
    Ok(Recorded {
        lane: lane(row.try_get(first)?),
        pos: unsigned(row.try_get(first + 1)?),
        stream: row.try_get(first + 2)?,
        seq: unsigned(row.try_get(first + 3)?),
        msg_no: unsigned(row.try_get(first + 4)?),
        kind: row.try_get(first + 5)?,
        ver: row.try_get(first + 6)?,
        control: row.try_get(first + 7)?,
        actor: row.try_get(first + 8)?,
        at: row.try_get(first + 9)?,
        command: row.try_get(first + 10)?,
        idx: row.try_get(first + 11)?,
        payload: Bytes::copy_from_slice(row.try_get(first + 12)?),
        withdrawn: row.try_get(first + 13)?,
    })
}

fn lane_head(row: &Row) -> Result<LaneHead, ReadError> {
    Ok(LaneHead {
        lane: lane(row.try_get(0)?),
        head: unsigned(row.try_get(1)?),
        epoch: u32::try_from(row.try_get::<_, i32>(2)?).unwrap_or(0),
    })
}

/// Positions are never negative in the log; a negative one would be read as 0.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn lane(value: i16) -> u8 {
    u8::try_from(value).unwrap_or(0)
}
