//! Events without what they say: for whoever looks at what happened, and not at what was said. Payloads are not read.

use crate::read::{Log, ReadError, halves, lane, signed, unsigned};
use crate::record::lane_of;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// An event without its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    pub lane: u8,
    pub pos: u64,
    pub stream: Uuid,
    pub seq: u64,
    pub kind: i16,
    pub actor: Uuid,
    pub at: DateTime<Utc>,
    pub command: Uuid,
}

/// Which events of a range are told of; by default all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub kinds: Option<Vec<i16>>,
    pub actor: Option<Uuid>,
    /// Kinds of which nothing is told, whatever else is wanted.
    pub without: Vec<i16>,
}

/// A row's columns, as [`outline`] reads them.
pub(crate) fn columns(of: &str) -> String {
    ["lane", "pos", "stream", "seq", "kind", "actor", "at", "command"]
        .map(|column| format!("{of}.{column}"))
        .join(", ")
}

pub(crate) fn outline(row: &Row) -> Result<Outline, ReadError> {
    Ok(Outline {
        lane: lane(row.try_get(0)?),
        pos: unsigned(row.try_get(1)?),
        stream: row.try_get(2)?,
        seq: unsigned(row.try_get(3)?),
        kind: row.try_get(4)?,
        actor: row.try_get(5)?,
        at: row.try_get(6)?,
        command: row.try_get(7)?,
    })
}

impl Log {
    /// Events of a lane with `after < pos <= upto` that are wanted, in order, at most `limit`. All events of the range are looked at:
    /// whoever asks bounds it.
    ///
    /// # Errors
    /// When the log does not answer; reading again is safe.
    pub async fn lane_outlines(
        &self,
        lane: u8,
        after: u64,
        upto: u64,
        wanted: &Wanted,
        limit: usize,
    ) -> Result<Vec<Outline>, ReadError> {
        let sql = include_str!("outlines/lane.sql").replace("{columns}", &columns("e"));
        self.outlines(&sql, lane, None, (after, upto), wanted, limit)
            .await
    }

    /// The same of a stream, with `after < seq <= upto`.
    ///
    /// # Errors
    /// When the log does not answer; reading again is safe.
    pub async fn stream_outlines(
        &self,
        stream: Uuid,
        after: u64,
        upto: u64,
        wanted: &Wanted,
        limit: usize,
    ) -> Result<Vec<Outline>, ReadError> {
        let sql = include_str!("outlines/stream.sql").replace("{columns}", &columns("e"));
        let lane = lane_of(stream);
        self.outlines(&sql, lane, Some(stream), (after, upto), wanted, limit)
            .await
    }

    /// The last position of a lane, at or below `head`, whose event is older than `at`; 0 where none is.
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe.
    pub async fn lane_before(&self, lane: u8, head: u64, at: DateTime<Utc>) -> Result<u64, ReadError> {
        let (lane, head) = (i16::from(lane), signed(head));
        let sql = halves("e.at < $3::timestamptz", "e.pos =");
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let row = client.query_one(&statement, &[&lane, &head, &at]).await?;
            Ok(unsigned(row.try_get(0)?))
        })
        .await
    }

    /// The same of a stream and its seqs.
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe.
    pub async fn stream_before(&self, stream: Uuid, head: u64, at: DateTime<Utc>) -> Result<u64, ReadError> {
        let (lane, head) = (i16::from(lane_of(stream)), signed(head));
        let sql = halves("e.at < $3::timestamptz", "e.stream = $4 AND e.seq =");
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let row = client
                .query_one(&statement, &[&lane, &head, &at, &stream])
                .await?;
            Ok(unsigned(row.try_get(0)?))
        })
        .await
    }

    async fn outlines(
        &self,
        sql: &str,
        lane: u8,
        stream: Option<Uuid>,
        (after, upto): (u64, u64),
        wanted: &Wanted,
        limit: usize,
    ) -> Result<Vec<Outline>, ReadError> {
        let (lane, after, upto, limit) = (i16::from(lane), signed(after), signed(upto), limit as i64);
        self.bounded(async |client| {
            let statement = client.prepare_cached(sql).await?;
            let Wanted {
                kinds,
                actor,
                without,
            } = wanted;
            let mut values: Vec<&(dyn postgres_types::ToSql + Sync)> =
                vec![&lane, &after, &upto, kinds, actor, &limit, without];
            if let Some(stream) = &stream {
                values.push(stream);
            }
            let rows = client.query(&statement, &values).await?;
            rows.iter().map(outline).collect()
        })
        .await
    }
}
