//! Rows into the log's own table, without anything that makes it a log.

use std::time::SystemTime;

use anyhow::Result;
use tidings_report::Report;
use tidings_stand::{Session, Stand};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::meter::{Meter, Rounds};
use crate::scratch::{LANES, Scratch, all, lane_of, payload, streams};
use crate::within;

const INSERT: &str = "\
    INSERT INTO event (lane, pos, stream, seq, msg_no, kind, ver, control, actor, at, command, idx, digest, payload) \
    SELECT $1, u.pos, u.stream, u.pos, u.pos, 16, 1, false, u.stream, now(), u.command, 0, 0, u.payload \
      FROM unnest($2::bigint[], $3::uuid[], $4::uuid[], $5::bytea[]) u(pos, stream, command, payload)";

const COPY: &str = "\
    COPY event (lane, pos, stream, seq, msg_no, kind, ver, control, actor, at, command, idx, digest, payload) \
    FROM STDIN BINARY";

/// What plain writes into the table did.
pub struct Inserts {
    pub name: String,
    pub rows_per_s: Vec<f64>,
    /// All rows, also those of the warm-up. So many are in the table.
    pub written: u64,
}

impl Inserts {
    pub fn report(&self, report: &mut Report) {
        report.figure(&self.name, "rows/s", &self.rows_per_s);
    }
}

/// Inserts `batch` rows by each statement and transaction, over so many connections (1 to 4).
pub async fn batched_inserts(
    stand: &Stand,
    batch: usize,
    connections: u8,
    rounds: &Rounds,
) -> Result<Inserts> {
    write(stand, Way::Insert, batch, connections, rounds).await
}

/// Copies `batch` rows in binary by each statement and transaction, over so many connections (1 to 4).
pub async fn copy_in(stand: &Stand, batch: usize, connections: u8, rounds: &Rounds) -> Result<Inserts> {
    write(stand, Way::Copy, batch, connections, rounds).await
}

#[derive(Clone, Copy)]
enum Way {
    Insert,
    Copy,
}

async fn write(stand: &Stand, way: Way, batch: usize, connections: u8, rounds: &Rounds) -> Result<Inserts> {
    let log = Scratch::make(stand).await?;
    let connections = connections.clamp(1, LANES);
    let streams = streams();
    let mut writers = vec![];
    for number in 0..connections {
        let lanes = (0..LANES).filter(|lane| lane % connections == number);
        let lane = |lane| Lane {
            number: i16::from(lane),
            head: 0,
            streams: streams
                .iter()
                .copied()
                .filter(|id| lane_of(*id) == lane)
                .collect(),
        };
        let lanes = lanes.map(lane).collect();
        writers.push((log.connect().await?, lanes));
    }
    let meter = Meter::start(rounds);
    let mut tasks = JoinSet::new();
    for (session, lanes) in writers {
        tasks.spawn(fill(session, lanes, way, batch.max(1), meter.clone()));
    }
    let mut sum = meter;
    for meter in all(tasks).await? {
        sum += &meter;
    }
    log.verify_and_remove(stand, sum.total()).await?;
    let what = match way {
        Way::Insert => "inserts",
        Way::Copy => "COPY",
    };
    let over = if connections == 1 {
        "connection"
    } else {
        "connections"
    };
    Ok(Inserts {
        name: format!("plain {what} of {batch}, {connections} {over}"),
        rows_per_s: sum.rates(),
        written: sum.total(),
    })
}

struct Lane {
    number: i16,
    head: i64,
    streams: Vec<Uuid>,
}

/// The rows of one statement, as columns.
struct Columns {
    lane: i16,
    positions: Vec<i64>,
    streams: Vec<Uuid>,
    commands: Vec<Uuid>,
}

impl Lane {
    fn next(&mut self, batch: usize) -> Columns {
        let positions: Vec<i64> = (self.head + 1..).take(batch).collect();
        self.head += batch as i64;
        let stream = |pos: &i64| self.streams[*pos as usize % self.streams.len()];
        Columns {
            lane: self.number,
            streams: positions.iter().map(stream).collect(),
            commands: (0..batch).map(|_| Uuid::now_v7()).collect(),
            positions,
        }
    }
}

/// Writes to its lanes in turn until all rounds are over.
async fn fill(
    session: Session,
    mut lanes: Vec<Lane>,
    way: Way,
    batch: usize,
    mut meter: Meter,
) -> Result<Meter> {
    let payload = payload();
    let payloads: Vec<&[u8]> = vec![&payload; batch];
    let insert = within("preparing", session.prepare(INSERT)).await?;
    for turn in 0.. {
        let lane = turn % lanes.len();
        let rows = lanes[lane].next(batch);
        match way {
            Way::Insert => {
                let columns: [&(dyn ToSql + Sync); 5] = [
                    &rows.lane,
                    &rows.positions,
                    &rows.streams,
                    &rows.commands,
                    &payloads,
                ];
                within("inserting", session.execute(&insert, &columns)).await?;
            }
            Way::Copy => within("copying", copy(&session, &rows, &payload)).await?,
        }
        meter.add(Instant::now(), batch);
        if meter.is_over() {
            break;
        }
    }
    Ok(meter)
}

async fn copy(session: &Session, rows: &Columns, payload: &[u8]) -> Result<(), tokio_postgres::Error> {
    const TYPES: [Type; 14] = [
        Type::INT2,
        Type::INT8,
        Type::UUID,
        Type::INT8,
        Type::INT8,
        Type::INT2,
        Type::INT2,
        Type::BOOL,
        Type::UUID,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::INT2,
        Type::INT8,
        Type::BYTEA,
    ];
    let sink = session.copy_in(COPY).await?;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &TYPES));
    let at = SystemTime::UNIX_EPOCH;
    for (row, pos) in rows.positions.iter().enumerate() {
        let (stream, command) = (&rows.streams[row], &rows.commands[row]);
        let columns: [&(dyn ToSql + Sync); 14] = [
            &rows.lane, pos, stream, pos, pos, &16_i16, &1_i16, &false, stream, &at, command, &0_i16, &0_i64,
            &payload,
        ];
        writer.as_mut().write(&columns).await?;
    }
    writer.as_mut().finish().await.map(|_| ())
}
