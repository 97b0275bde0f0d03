//! A look at one stream while everything runs: what its events make of the read models, beside what the live tables hold of it.
//!
//! A row depends on the events of one stream ([`Table::stream`](crate::Table)), so a stream can be folded by itself. What two of a lane make together none makes
//! by itself, and is left to `tidings verify`. The live rows and how far they are come from one snapshot; what is made beside them is never committed.

use crate::engine::range;
use crate::engine::session::Session;
use crate::engine::target::Target;
use crate::error::{ProjectionError, within};
use crate::fact::{Decoded, Fact};
use crate::models;
use crate::projection::{Projection, Table};
use deadpool_postgres::Transaction;
use std::time::Duration;
use tidings_eventlog::Log;
use tidings_eventlog::record::lane_of;
use tokio::time::sleep;
use tokio_postgres::IsolationLevel;
use uuid::Uuid;

/// The longest streams that are folded, in events, and the most bytes of payloads. Longer ones are for `tidings verify`.
const EVENTS: usize = 10_000;
const BYTES: usize = 8 << 20;
/// Events that are read or folded at a time.
const PORTION: usize = 500;
/// Rows that differ, of one table, that are told.
const SHOWN: i64 = 10;
/// How often a difference must be found, and after which pause each time: content that was recalled is gone from the log a moment before
/// it is gone from the read models.
const TIMES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// The longest that the look at one read model may take.
const LIMIT: Duration = Duration::from_mins(1);
/// One node at a time.
const LOCK: &str = "tidings.projections.audit";

/// What came of a look at one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audited {
    Done(Audit),
    /// It is too long to be looked at while everything runs.
    TooLong,
    /// Another node is at some stream.
    Busy,
}

impl Audited {
    /// What was found, if the stream was looked at.
    pub fn done(self) -> Option<Audit> {
        match self {
            Self::Done(audit) => Some(audit),
            Self::TooLong | Self::Busy => None,
        }
    }
}

/// What was found of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub stream: Uuid,
    pub events: usize,
    /// None, or a read model is wrong.
    pub drifts: Vec<Drift>,
}

/// A row that is not what the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    pub projection: &'static str,
    pub table: &'static str,
    /// The values of its primary key.
    pub key: String,
}

/// Compares what the live read models hold of a stream with what its events make of them. A read model that is not built, or has put events
/// of the stream aside, is left out.
pub async fn audit(log: &Log, stream: Uuid) -> Result<Audited, ProjectionError> {
    let mut session = Session::fold(log.pool()).await?;
    if !session.try_lock(LOCK).await? {
        return Ok(Audited::Busy);
    }
    let mut found = Audited::TooLong;
    for attempt in 1..=TIMES {
        let Some(events) = events(log, stream).await? else {
            found = Audited::TooLong;
            break;
        };
        let mut drifts = vec![];
        for projection in models::all() {
            let looking = look(&mut session, projection, stream, &events);
            drifts.extend(within(LIMIT, looking).await?);
        }
        let is_certain = drifts.is_empty() || attempt == TIMES;
        found = Audited::Done(Audit {
            stream,
            events: events.len(),
            drifts,
        });
        if is_certain {
            break;
        }
        sleep(PAUSE).await;
    }
    session.unlock(LOCK).await;
    Ok(found)
}

/// The stream of some event, as `draw` decides: any number. `None` in an empty log.
pub async fn drawn(log: &Log, draw: u64) -> Result<Option<Uuid>, ProjectionError> {
    let heads = log.heads().await?;
    let total: u64 = heads.iter().map(|head| head.head).sum();
    let Some(mut at) = draw.checked_rem(total) else {
        return Ok(None);
    };
    for head in heads {
        if at < head.head {
            let events = range::read(log, head.lane, at, at + 1).await?;
            return Ok(events.first().map(|event| event.record.stream));
        }
        at -= head.head;
    }
    Ok(None)
}

/// All events of a stream, unless they are too many.
async fn events(log: &Log, stream: Uuid) -> Result<Option<Vec<Decoded>>, ProjectionError> {
    let (mut records, mut bytes) = (vec![], 0);
    loop {
        let from = records.len() as u64 + 1;
        let page = log.stream(stream, from, u64::MAX, PORTION).await?;
        let is_last = page.len() < PORTION;
        bytes += page.iter().map(|record| record.payload.len()).sum::<usize>();
        records.extend(page);
        if records.len() > EVENTS || bytes > BYTES {
            return Ok(None);
        }
        if is_last {
            return Ok(Some(Decoded::all(records)));
        }
    }
}

/// Folds what the live read model has folded of the stream, and compares.
async fn look(
    session: &mut Session,
    projection: &'static dyn Projection,
    stream: Uuid,
    events: &[Decoded],
) -> Result<Vec<Drift>, ProjectionError> {
    let live = Target::live(&session.home, projection);
    let anew = Target::beside(&session.home, projection, "audit");
    let transaction = session
        .client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .await?;
    let sql = include_str!("admin/audited.sql");
    let lane = i16::from(lane_of(stream));
    let key = (&live.label, projection.version());
    let read = events.len() as i64;
    let row = transaction
        .query_one(sql, &[&key.0, &key.1, &lane, &stream, &read])
        .await?;
    let Some(position) = row.try_get::<_, Option<i64>>(0)? else {
        return Ok(vec![]);
    };
    let mut facts = vec![];
    for Decoded { record, event } in events {
        if record.pos > position as u64 || !projection.folds().has(record.kind) {
            continue;
        }
        // What this program cannot read it has not folded.
        let Ok(event) = event else { return Ok(vec![]) };
        facts.push(Fact { record, event });
    }
    let ddl = projection.ddl().replace("{schema}", &anew.quoted);
    let make = format!("CREATE SCHEMA {}; {ddl}", anew.quoted);
    transaction.batch_execute(&make).await?;
    for facts in facts.chunks(PORTION) {
        projection.apply(&transaction, &anew.quoted, facts).await?;
    }
    let mut drifts = vec![];
    for table in projection.tables() {
        for key in differences(&transaction, &live, &anew, *table, stream).await? {
            drifts.push(Drift {
                projection: projection.name(),
                table: table.name,
                key,
            });
        }
    }
    transaction.rollback().await?;
    Ok(drifts)
}

/// The keys of rows of the stream that differ. Live rows that should not be there are looked for where a table is sorted by stream.
async fn differences(
    transaction: &Transaction<'_>,
    live: &Target,
    anew: &Target,
    table: Table,
    stream: Uuid,
) -> Result<Vec<String>, ProjectionError> {
    let Table {
        name,
        key,
        stream: of,
    } = table;
    let (live, anew) = (&live.quoted, &anew.quoted);
    let on: Vec<String> = key
        .iter()
        .map(|column| format!("l.{column} = a.{column}"))
        .collect();
    let on = on.join(" AND ");
    let shown = |of: &str| {
        let each = key.iter().map(|column| format!("{of}.{column}::text"));
        each.collect::<Vec<_>>().join(", ")
    };
    let missing = format!(
        "(SELECT concat_ws(', ', {}) FROM {anew}.{name} a LEFT JOIN {live}.{name} l ON {on} \
           WHERE a.{of} = $1 AND l::text IS DISTINCT FROM a::text LIMIT $2)",
        shown("a")
    );
    let beyond = format!(
        "(SELECT concat_ws(', ', {}) FROM {live}.{name} l LEFT JOIN {anew}.{name} a ON {on} \
           WHERE l.{of} = $1 AND a.{of} IS NULL LIMIT $2)",
        shown("l")
    );
    let sql = if key.first() == Some(&of) {
        format!("{missing} UNION ALL {beyond}")
    } else {
        missing
    };
    let rows = transaction.query(&sql, &[&stream, &SHOWN]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
