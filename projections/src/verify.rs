//! Comparing live read models with what the log says.

use crate::build::{Build, heads};
use crate::error::{ProjectionError, within};
use crate::observer::{Progress, Stage};
use crate::projection::Table;
use crate::replay::REBUILD;
use crate::schema::exists;
use crate::session::Session;
use crate::store;
use crate::target::{Target, chosen};
use deadpool_postgres::Transaction;
use std::time::Duration;
use tidings_eventlog::Log;
use tokio_postgres::IsolationLevel;

/// The longest that the live projections are made to wait.
const SETTLE: Duration = Duration::from_mins(1);
/// The longest that one comparison may take.
const COMPARE: Duration = Duration::from_mins(15);
/// Differences that are told of one table.
const SHOWN: i64 = 10;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub tables: Vec<TableReport>,
    /// Events that the live projections have put aside.
    pub parked: u64,
    /// Events that were put aside when folding anew. When it is lower than `parked`, a retry would help.
    pub parked_anew: u64,
}

impl Report {
    /// Whether every table is as the log says.
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(|table| table.equal)
    }
}

/// What a verification found of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableReport {
    pub projection: &'static str,
    pub table: &'static str,
    /// Rows of the live table.
    pub rows: u64,
    /// Rows that the log yields.
    pub rows_from_log: u64,
    /// Row for row the same.
    pub equal: bool,
    /// The first rows that differ, by key; at most ten.
    pub differences: Vec<Difference>,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The primary key's values, in the order of its columns.
    pub key: Vec<String>,
    pub kind: DifferenceKind,
}

/// How a row differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The live table lacks it.
    Missing,
    /// The live table has it, and the log does not yield it.
    Unexpected,
    /// Both have it, with different values.
    Changed,
}

/// Folds the log anew to exactly where the live projections are and compares every table of the named ones, or of all when
/// no name is given. The live projections wait only while the last few events are folded. Changes nothing.
pub async fn verify(
    log: &Log,
    names: &[&str],
    workers: usize,
    progress: &dyn Progress,
) -> Result<Report, ProjectionError> {
    let projections = chosen(names)?;
    let mut chief = Session::admin(log.pool()).await?;
    if !chief.try_lock(REBUILD).await? {
        return Err(ProjectionError::Busy);
    }
    progress.stage(Stage::Building);
    let report = match Build::begin(&mut chief, log, &projections, "check", workers, progress).await {
        Err(error) => Err(error),
        Ok(build) => {
            let report = check(&mut chief, &build).await;
            build.discard(&mut chief).await;
            report
        }
    };
    chief.unlock(REBUILD).await;
    report
}

async fn check(chief: &mut Session, build: &Build<'_>) -> Result<Report, ProjectionError> {
    // As far as the live projections are for certain; they never move back.
    let live = live_positions(chief, build).await?;
    build.fill(&live).await?;
    build.progress.stage(Stage::Settling);
    let mut reader = Session::admin(build.log.pool()).await?;
    // The snapshot is taken while nothing can move, and compared at leisure when everything moves again.
    let snapshot = within(SETTLE, async {
        let holding = chief.client.transaction().await?;
        for target in &build.targets {
            let name = target.projection.name();
            if !exists(&holding, &Target::live(target.projection).schema).await? {
                return Err(ProjectionError::Missing(name));
            }
        }
        build.settle(&holding).await?;
        let snapshot = reader
            .client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        snapshot.query_one("SELECT 1", &[]).await?;
        holding.rollback().await?;
        Ok(snapshot)
    })
    .await?;
    build.progress.stage(Stage::Comparing);
    let mut tables = vec![];
    for target in &build.targets {
        for table in target.projection.tables() {
            tables.push(within(COMPARE, compare(&snapshot, target, *table)).await?);
        }
    }
    let lives: Vec<&str> = build
        .targets
        .iter()
        .map(|target| target.projection.name())
        .collect();
    let labels: Vec<&str> = build.targets.iter().map(|target| target.label.as_str()).collect();
    let parked = within(COMPARE, store::parked_count(&snapshot, &lives)).await?;
    let parked_anew = within(COMPARE, store::parked_count(&snapshot, &labels)).await?;
    Ok(Report {
        tables,
        parked,
        parked_anew,
    })
}

async fn live_positions(chief: &Session, build: &Build<'_>) -> Result<crate::build::Goals, ProjectionError> {
    let live: Vec<Target> = build
        .targets
        .iter()
        .map(|target| Target::live(target.projection))
        .collect();
    let live: Vec<&Target> = live.iter().collect();
    let mut goals = heads(build.log, live.len()).await?;
    for (lane, positions) in &mut goals {
        let state = within(SETTLE, store::state(&chief.client, *lane, &live)).await?;
        *positions = state.positions.into_iter().map(|pos| pos.unwrap_or(0)).collect();
    }
    Ok(goals)
}

async fn compare(
    transaction: &Transaction<'_>,
    target: &Target,
    table: Table,
) -> Result<TableReport, ProjectionError> {
    let live = format!("{}.{}", Target::live(target.projection).schema, table.name);
    let anew = format!("{}.{}", target.schema, table.name);
    let (rows, sum) = checksum(transaction, &live).await?;
    let (rows_from_log, sum_from_log) = checksum(transaction, &anew).await?;
    let equal = (rows, &sum) == (rows_from_log, &sum_from_log);
    let differences = if equal {
        vec![]
    } else {
        differences(transaction, &live, &anew, table.key).await?
    };
    let projection = target.projection.name();
    Ok(TableReport {
        projection,
        table: table.name,
        rows,
        rows_from_log,
        equal,
        differences,
    })
}

/// Counts and hashes rows, whatever their order.
async fn checksum(transaction: &Transaction<'_>, table: &str) -> Result<(u64, String), ProjectionError> {
    let sql = format!(
        "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {table} t"
    );
    let row = transaction.query_one(&sql, &[]).await?;
    Ok((row.try_get::<_, i64>(0)? as u64, row.try_get(1)?))
}

async fn differences(
    transaction: &Transaction<'_>,
    live: &str,
    anew: &str,
    key: &[&str],
) -> Result<Vec<Difference>, ProjectionError> {
    let columns = key.join(", ");
    let texts: Vec<String> = key.iter().map(|column| format!("{column}::text")).collect();
    let texts = texts.join(", ");
    let sql = format!(
        "SELECT ARRAY[{texts}], bool_or(of_live), bool_or(NOT of_live) FROM \
         (SELECT true AS of_live, l.* FROM (TABLE {live} EXCEPT TABLE {anew}) l \
          UNION ALL SELECT false, a.* FROM (TABLE {anew} EXCEPT TABLE {live}) a) d \
         GROUP BY {columns} ORDER BY {columns} LIMIT $1"
    );
    let rows = transaction.query(&sql, &[&SHOWN]).await?;
    let read = |row: &tokio_postgres::Row| -> Result<Difference, ProjectionError> {
        let kind = match (row.try_get(1)?, row.try_get(2)?) {
            (true, true) => DifferenceKind::Changed,
            (true, false) => DifferenceKind::Unexpected,
            (false, _) => DifferenceKind::Missing,
        };
        Ok(Difference {
            key: row.try_get(0)?,
            kind,
        })
    };
    rows.iter().map(read).collect()
}
