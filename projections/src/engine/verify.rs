//! Comparing live read models with what the log says.

use crate::engine::build::{Build, Goals, states};
use crate::engine::compare::Comparison;
use crate::engine::observer::{Progress, Stage};
use crate::engine::replay::{REBUILD, begin};
use crate::engine::session::{SHORT, Session};
use crate::engine::store;
use crate::engine::target::{Target, chosen};
use crate::error::{ProjectionError, within};
use tidings_eventlog::Log;

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

/// Folds the log anew to where the live projections are and compares every table of the named ones, or of all when no name
/// is given. Changes nothing, and keeps nobody waiting: tables are compared in pages, between which nothing is held. A
/// verification that was interrupted has left what it had folded, and the next one goes on from there.
pub async fn verify(
    log: &Log,
    names: &[&str],
    workers: usize,
    progress: &dyn Progress,
) -> Result<Report, ProjectionError> {
    let projections = chosen(names)?;
    let mut admin = Session::admin(log.pool()).await?;
    if !admin.try_lock(REBUILD).await? {
        return Err(ProjectionError::Busy);
    }
    progress.stage(Stage::Building);
    let report = match begin(&mut admin, log, &projections, "check", workers, progress).await {
        Err(error) => Err(error),
        Ok(mut build) => {
            let report = check(&mut admin, &mut build).await;
            build.end(&mut admin, report.as_ref().err()).await;
            report
        }
    };
    admin.unlock(REBUILD).await;
    report
}

async fn check(admin: &mut Session, build: &mut Build<'_>) -> Result<Report, ProjectionError> {
    let live = live_positions(admin, build).await?;
    build.begin_anew_beyond(admin, &live).await?;
    build.fill(&live).await?;
    build.progress.stage(Stage::Comparing);
    let mut tables = vec![];
    for (of, target) in build.targets.iter().enumerate() {
        for table in target.projection.tables() {
            tables.push(Comparison::run(build, of, *table).await?);
        }
    }
    let lives = build.lives();
    let lives: Vec<&Target> = lives.iter().collect();
    let anew: Vec<&Target> = build.targets.iter().collect();
    let parked = within(SHORT, store::parked_count(&*admin.client, &lives)).await?;
    let parked_anew = within(SHORT, store::parked_count(&*admin.client, &anew)).await?;
    Ok(Report {
        tables,
        parked,
        parked_anew,
    })
}

/// How far the live projections are, or the log, where they are ahead of it.
async fn live_positions(admin: &Session, build: &Build<'_>) -> Result<Goals, ProjectionError> {
    let live = build.lives();
    let targets: Vec<&Target> = live.iter().collect();
    let mut goals = Goals::new();
    for (lane, state) in states(build.log, admin, &targets).await? {
        let positions = state.positions.iter().zip(&live).map(|(pos, target)| {
            pos.map(|pos| pos.min(state.head))
                .ok_or_else(|| ProjectionError::Missing(target.projection.name()))
        });
        goals.insert(lane, positions.collect::<Result<_, _>>()?);
    }
    Ok(goals)
}
