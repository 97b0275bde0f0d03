//! Rebuilding read models from the log, beside the live ones, and putting them in their place.

use crate::engine::build::{Build, Goals, heads};
use crate::engine::check::check;
use crate::engine::observer::{Progress, Stage};
use crate::engine::patience::Patience;
use crate::engine::schema;
use crate::engine::session::Session;
use crate::engine::store;
use crate::engine::swap;
use crate::engine::target::{Target, chosen};
use crate::error::{ProjectionError, within};
use crate::projection::Projection;
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_eventlog::Log;

/// Builds and verifications exclude one another by this lock.
pub(crate) const REBUILD: &str = "tidings.projections.rebuild";
/// When so few events are missing, the live projections are made to wait for them.
const NEAR: u64 = 2000;
/// How often the build runs after the head before it makes the live projections wait all the same: where events come faster
/// than they are folded, it would never be near.
const ROUNDS: usize = 10;
/// How often that is tried when it takes too long or fails.
const ATTEMPTS: usize = 20;
/// The longest that the live projections are made to wait.
const SETTLE: Duration = Duration::from_mins(1);
/// The same for a process that is stopped meanwhile. The session is silent while the last events are folded.
const PATIENT: &str = "SET LOCAL idle_in_transaction_session_timeout = '1min'";

/// Tables that are to become live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// They were built from the beginning of the log.
    Fresh,
    /// They were live before.
    Kept,
}

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The projections that were rebuilt.
    pub projections: Vec<&'static str>,
    /// Events that were folded, over all lanes.
    pub events: u64,
    /// Events that were put aside, over all rebuilt projections.
    pub parked: u64,
    /// Where each lane's checkpoints stand now; of several projections, the lowest.
    pub positions: BTreeMap<u8, u64>,
}

/// Rebuilds the named projections, or all of them when no name is given, and swaps them for the live ones in one short
/// transaction. Those are kept for a [rollback](crate::rollback). Readers and runners go on meanwhile and afterwards. Up to `workers` lanes are folded at a time, each on a
/// connection of its own. On an error the live ones are as they were, and so is the way back to those before them. A rebuild that was interrupted has left what it had
/// folded, and the next one goes on from there.
pub async fn replay(
    log: &Log,
    names: &[&str],
    workers: usize,
    progress: &dyn Progress,
) -> Result<Replayed, ProjectionError> {
    let projections = chosen(names)?;
    let mut admin = Session::admin(log.pool()).await?;
    if !admin.try_lock(REBUILD).await? {
        return Err(ProjectionError::Busy);
    }
    progress.stage(Stage::Building);
    let replayed = match begin(&mut admin, log, &projections, "next", workers, progress).await {
        Err(error) => Err(error),
        Ok(build) => {
            let replayed = put_in_place(&mut admin, &build, Tables::Fresh).await;
            if let Err(error) = &replayed {
                build.end(&mut admin, Some(error)).await;
            }
            replayed
        }
    };
    admin.unlock(REBUILD).await;
    replayed
}

/// Fills the tables and puts them in place. What has been folded is kept over whatever fails for the moment.
pub(crate) async fn put_in_place(
    admin: &mut Session,
    build: &Build<'_>,
    tables: Tables,
) -> Result<Replayed, ProjectionError> {
    let (mut patience, mut filled) = (Patience::new(), Goals::new());
    let (mut attempts, mut checked) = (0, tables == Tables::Kept);
    loop {
        let done = match build_up(admin, build, &mut filled).await {
            Ok(()) => {
                attempts += 1;
                if !checked {
                    Box::pin(check(admin, build)).await?;
                    // What a rebuild before this one could not drop. Here rather than where nobody can fold: it may take a while.
                    swap::drop_spent(admin, build).await;
                    checked = true;
                }
                settle(admin, build).await
            }
            Err(error) => Err(error),
        };
        let error = match done {
            Ok(replayed) => {
                // Behind the swap: whatever breaks before it leaves the way back as it was.
                swap::drop_spent(admin, build).await;
                return Ok(replayed);
            }
            Err(error) if attempts >= ATTEMPTS => return Err(error),
            Err(error) => error,
        };
        tracing::warn!(%error, "the rebuild goes on from where it is");
        patience.wait(error).await?;
        if come_back(admin, build.log).await? {
            patience = Patience::new();
        }
        build.progress.stage(Stage::Building);
    }
}

/// Makes the tables, or finds those that an earlier run has left, over whatever fails for the moment.
pub(crate) async fn begin<'a>(
    admin: &mut Session,
    log: &'a Log,
    projections: &[&'static dyn Projection],
    suffix: &str,
    workers: usize,
    progress: &'a dyn Progress,
) -> Result<Build<'a>, ProjectionError> {
    let mut patience = Patience::new();
    loop {
        match Build::begin(admin, log, projections, suffix, workers, progress).await {
            Ok(build) => return Ok(build),
            Err(error) => {
                tracing::warn!(%error, "read models cannot be made yet");
                patience.wait(error).await?;
            }
        }
        come_back(admin, log).await?;
    }
}

/// Takes another session, and its lock, where the session is lost and another can be had.
async fn come_back(admin: &mut Session, log: &Log) -> Result<bool, ProjectionError> {
    if !admin.client.is_closed() {
        return Ok(false);
    }
    let Ok(anew) = Session::admin(log.pool()).await else {
        return Ok(false);
    };
    if !anew.try_lock(REBUILD).await? {
        return Err(ProjectionError::Busy);
    }
    *admin = anew;
    Ok(true)
}

/// Fills and indexes the tables, and fills in what has come meanwhile.
pub(crate) async fn build_up(
    admin: &mut Session,
    build: &Build<'_>,
    filled: &mut Goals,
) -> Result<(), ProjectionError> {
    run_after(build, filled).await?;
    build.index(admin).await?;
    run_after(build, filled).await
}

/// Runs after the heads of all lanes until it is near them.
async fn run_after(build: &Build<'_>, filled: &mut Goals) -> Result<(), ProjectionError> {
    for _ in 0..ROUNDS {
        let goals = heads(build.log, build.targets.len()).await?;
        let missing: u64 = total(&goals).saturating_sub(total(filled));
        build.fill(&goals).await?;
        *filled = goals;
        if missing < NEAR {
            break;
        }
    }
    Ok(())
}

/// Makes the live projections wait, folds the last events, and swaps.
async fn settle(admin: &mut Session, build: &Build<'_>) -> Result<Replayed, ProjectionError> {
    build.progress.stage(Stage::Settling);
    let home = build.log.pool().home();
    within(SETTLE, async {
        let transaction = admin.client.transaction().await?;
        // Everybody who folds waits meanwhile, also for a process that is stopped.
        transaction.batch_execute(PATIENT).await?;
        schema::exclusive(&transaction, home).await?;
        build.settle(&transaction).await?;
        build.progress.stage(Stage::Swapping);
        let replayed = summary(&transaction, build).await?;
        for target in &build.targets {
            swap::swap(&transaction, home, target).await?;
        }
        transaction.commit().await?;
        Ok::<_, ProjectionError>(replayed)
    })
    .await
}

fn total(goals: &Goals) -> u64 {
    goals
        .values()
        .filter_map(|positions| positions.iter().max())
        .sum()
}

async fn summary(transaction: &Transaction<'_>, build: &Build<'_>) -> Result<Replayed, ProjectionError> {
    let targets: Vec<&Target> = build.targets.iter().collect();
    let (labels, versions) = store::keys(&targets);
    let sql = include_str!("admin/rebuilt.sql");
    let rows = transaction.query(sql, &[&labels, &versions]).await?;
    let (mut positions, mut events) = (BTreeMap::new(), 0);
    for row in rows {
        let lane = u8::try_from(row.try_get::<_, i16>(0)?).unwrap_or(0);
        positions.insert(lane, row.try_get::<_, i64>(1)? as u64);
        events += row.try_get::<_, i64>(2)? as u64;
    }
    Ok(Replayed {
        projections: build
            .targets
            .iter()
            .map(|target| target.projection.name())
            .collect(),
        events,
        parked: store::parked_count(&**transaction, &targets).await?,
        positions,
    })
}
