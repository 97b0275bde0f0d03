//! What decisions are made on and confirmed by: control events, commands that the log holds already, events that are there.

use crate::append::{Doubt, Last, Repeat};
use crate::pool::Lease;
use crate::read::{COLUMNS, Log, ReadError, recorded, unsigned};
use crate::record::{Recorded, lane_of};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// An event as a command wrote it.
#[derive(Clone, Debug)]
pub struct Origin {
    pub stream: Uuid,
    pub command: Uuid,
    pub kind: i16,
    pub ver: i16,
    pub at: DateTime<Utc>,
    pub payload: Bytes,
}

/// That a command has written an event, of which kind, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writing {
    pub stream: Uuid,
    pub command: Uuid,
    pub kind: i16,
    pub actor: Uuid,
    pub seq: u64,
}

impl Log {
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
        let sql = include_str!("decide/controls_after.sql").replace("{columns}", COLUMNS);
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

    /// What a command that appends nothing is confirmed by, in one snapshot: for each `(stream, command)` of a lane, the last event
    /// that the command wrote anywhere in the lane, the stream's guard, and its last event. `proposal` is the index in `asked`.
    pub async fn doubts(&self, lane: u8, asked: &[(Uuid, Uuid)]) -> Result<Vec<Doubt>, ReadError> {
        let lane = i16::from(lane);
        let (streams, commands): (Vec<Uuid>, Vec<Uuid>) = asked.iter().copied().unzip();
        self.bounded(async |client| find_doubts(client, lane, &streams, &commands).await)
            .await
    }

    /// The same, once those who write to the lane just now have come to their end: what they commit is seen. That takes as long as they do,
    /// and no longer than any read.
    pub async fn doubts_behind_writers(
        &self,
        lane: u8,
        asked: &[(Uuid, Uuid)],
    ) -> Result<Vec<Doubt>, ReadError> {
        let lane = i16::from(lane);
        let (streams, commands): (Vec<Uuid>, Vec<Uuid>) = asked.iter().copied().unzip();
        self.bounded(async |client| {
            // By itself: a statement that waited for a lock sees what there was before it waited. The lane is free again when it ends,
            // and need not be held, since those who had it are through by then.
            let statement = client.prepare_cached(include_str!("decide/writers.sql")).await?;
            client.execute(&statement, &[&lane]).await?;
            find_doubts(client, lane, &streams, &commands).await
        })
        .await
    }

    /// The events of `kind` that the given `(stream, command)` have written, whatever their lanes.
    pub async fn origins(&self, kind: i16, asked: &[(Uuid, Uuid)]) -> Result<Vec<Origin>, ReadError> {
        let lanes: Vec<i16> = asked
            .iter()
            .map(|(stream, _)| i16::from(lane_of(*stream)))
            .collect();
        let (streams, commands): (Vec<Uuid>, Vec<Uuid>) = asked.iter().copied().unzip();
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("decide/origins.sql")).await?;
            let rows = client
                .query(&statement, &[&lanes, &streams, &commands, &kind])
                .await?;
            let origin = |row: &Row| {
                Ok(Origin {
                    stream: row.try_get(0)?,
                    command: row.try_get(1)?,
                    kind: row.try_get(2)?,
                    ver: row.try_get(3)?,
                    at: row.try_get(4)?,
                    payload: Bytes::copy_from_slice(row.try_get(5)?),
                })
            };
            rows.iter().map(origin).collect()
        })
        .await
    }

    /// Which of the given `(stream, command)` of a lane have written an event of one of these kinds.
    pub async fn written(
        &self,
        lane: u8,
        kinds: &[i16],
        asked: &[(Uuid, Uuid)],
    ) -> Result<Vec<Writing>, ReadError> {
        let lane = i16::from(lane);
        let (streams, commands): (Vec<Uuid>, Vec<Uuid>) = asked.iter().copied().unzip();
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("decide/written.sql")).await?;
            let rows = client
                .query(&statement, &[&lane, &streams, &commands, &kinds])
                .await?;
            let writing = |row: &Row| {
                Ok(Writing {
                    stream: row.try_get(0)?,
                    command: row.try_get(1)?,
                    kind: row.try_get(2)?,
                    actor: row.try_get(3)?,
                    seq: unsigned(row.try_get(4)?),
                })
            };
            rows.iter().map(writing).collect()
        })
        .await
    }

    /// Where the events of these kinds stand that the given commands have written to a stream: command, kind, seq and msg_no. Those that
    /// have written none are left out.
    pub async fn placed(
        &self,
        stream: Uuid,
        kinds: &[i16],
        commands: &[Uuid],
    ) -> Result<Vec<(Uuid, i16, u64, u64)>, ReadError> {
        let lane = i16::from(lane_of(stream));
        self.bounded(async |client| {
            let statement = client.prepare_cached(include_str!("decide/placed.sql")).await?;
            let rows = client
                .query(&statement, &[&lane, &stream, &commands, &kinds])
                .await?;
            let place = |row: &Row| {
                Ok((
                    row.try_get(0)?,
                    row.try_get(1)?,
                    unsigned(row.try_get(2)?),
                    unsigned(row.try_get(3)?),
                ))
            };
            rows.iter().map(place).collect()
        })
        .await
    }
}

async fn find_doubts(
    client: &Lease,
    lane: i16,
    streams: &[Uuid],
    commands: &[Uuid],
) -> Result<Vec<Doubt>, ReadError> {
    let statement = client.prepare_cached(include_str!("decide/doubts.sql")).await?;
    let rows = client.query(&statement, &[&lane, &streams, &commands]).await?;
    let doubt = |(proposal, row): (usize, &Row)| {
        let repeat = match row.try_get::<_, Option<Uuid>>(1)? {
            None => None,
            Some(stream) => Some(Repeat {
                proposal,
                stream,
                pos: unsigned(row.try_get(2)?),
                seq: unsigned(row.try_get(3)?),
                at: row.try_get(4)?,
                actor: row.try_get(5)?,
                digest: row.try_get(6)?,
                kind: row.try_get(10)?,
            }),
        };
        let last = match row.try_get::<_, Option<i64>>(8)? {
            None => None,
            Some(pos) => Some(Last {
                seq: unsigned(row.try_get(7)?),
                pos: unsigned(pos),
                at: row.try_get(9)?,
            }),
        };
        Ok(Doubt {
            repeat,
            guard: row.try_get::<_, Option<i64>>(0)?.map_or(0, unsigned),
            last,
        })
    };
    rows.iter().enumerate().map(doubt).collect()
}
