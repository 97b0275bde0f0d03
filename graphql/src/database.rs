//! Statements: each bounded in time, and only so many at once, so that queries leave connections to others.

use crate::budget::Budget;
use crate::errors::Refusal;
use futures_util::future::join4;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidings_eventlog::{Lease, Pool, Position};
use tidings_projections::{Checkpoints, Projection, Select};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

/// The read models' database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    permits: Arc<Semaphore>,
    timeout: Duration,
    /// Which read models are being built, lack what a newer program has written, or lag.
    checkpoints: Checkpoints,
    /// What every answer must include.
    floor: Option<Arc<Floor>>,
    /// What the rows are counted against.
    budget: Option<Budget>,
}

/// Positions by lane that the read models must have passed from which an answer comes.
#[derive(Debug)]
struct Floor {
    lanes: Vec<i16>,
    positions: Vec<i64>,
}

/// Of a request that carries no positions.
static NO_FLOOR: Floor = Floor {
    lanes: vec![],
    positions: vec![],
};

/// Whether a read model has not come to one of some positions.
const BEHIND: &str = include_str!("database/behind.sql");
/// How soon read models are looked at again that have not come so far.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How a transaction of reads begins.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// The same for a statement that looks for words: indexes of words can only be read into bitmaps, and how depends on the words.
const BEGIN_STEP: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_bitmapscan = on; \
    SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = 1000";

/// The database did not answer. Why stands in the log, where it is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer;

/// Why rows did not come.
enum Missed {
    /// The statement took longer than it may.
    Late,
    /// Anything else, which stands in the log.
    Failed,
}

impl From<Missed> for NoAnswer {
    fn from(_: Missed) -> Self {
        Self
    }
}

impl From<NoAnswer> for Refusal {
    fn from(_: NoAnswer) -> Self {
        Self::unavailable("the read models cannot be read just now")
    }
}

impl From<NoAnswer> for async_graphql::Error {
    fn from(error: NoAnswer) -> Self {
        Refusal::from(error).into()
    }
}

impl Database {
    /// At most `at_once` statements run at the same time, and each has `timeout` from waiting for a connection to the
    /// last row.
    pub(crate) fn new(pool: Pool, at_once: usize, timeout: Duration, checkpoints: Checkpoints) -> Self {
        Self {
            pool,
            permits: Arc::new(Semaphore::new(at_once.max(1))),
            timeout,
            checkpoints,
            floor: None,
            budget: None,
        }
    }

    /// The same database, whose answers include everything up to these positions. What vouches for them is read in one
    /// snapshot with each answer: what this process remembers of it, a crash of the database can take back.
    pub(crate) fn after(&self, positions: &[Position]) -> Self {
        let floor = Floor {
            lanes: positions
                .iter()
                .map(|position| i16::from(position.lane))
                .collect(),
            positions: positions.iter().map(|position| position.pos as i64).collect(),
        };
        Self {
            floor: (!positions.is_empty()).then(|| Arc::new(floor)),
            ..self.clone()
        }
    }

    /// The same for one request, whose rows are counted as they come.
    pub(crate) fn within(&self, budget: &Budget) -> Self {
        Self {
            budget: Some(budget.clone()),
            ..self.clone()
        }
    }

    /// Asks the read models. Where one of those that are asked is being built, or stands before what only a newer
    /// program can fold, it waits.
    pub(crate) async fn ask<T>(&self, select: &Select<T>) -> Result<Vec<T>, NoAnswer> {
        Ok(self.select(select, None).await?)
    }

    /// Asks the read models by a statement that looks for words, and has a second for that. Returns nothing where it took longer.
    pub(crate) async fn step<T>(&self, select: &Select<T>) -> Result<Option<Vec<T>>, NoAnswer> {
        match self.select(select, Some(BEGIN_STEP)).await {
            Ok(rows) => Ok(Some(rows)),
            Err(Missed::Late) => Ok(None),
            Err(Missed::Failed) => Err(NoAnswer),
        }
    }

    async fn select<T>(&self, select: &Select<T>, begin: Option<&str>) -> Result<Vec<T>, Missed> {
        let read = |row: &Row| select.read(row);
        self.carry_out(
            &select.sql(self.pool.home()),
            &select.values(),
            select.models(),
            begin,
            read,
        )
        .await
    }

    /// Runs a statement on other tables and reads each of its rows with `read`.
    pub(crate) async fn rows<T>(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, NoAnswer> {
        Ok(self.carry_out(sql, values, &[], None, read).await?)
    }

    async fn carry_out<T>(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        models: &[&str],
        begin: Option<&str>,
        read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, Missed> {
        let deadline = Instant::now() + self.timeout;
        let readable = async {
            self.checkpoints.built(models).await;
            self.checkpoints.released(models).await;
            if let Some(floor) = &self.floor {
                floor.caught_up(&self.checkpoints, models, self.timeout).await;
            }
        };
        if timeout_at(deadline, readable).await.is_err() {
            tracing::debug!(
                ?models,
                "a GraphQL statement waited in vain for a read model that is being built, lags, or waits for a newer program"
            );
            return Err(Missed::Failed);
        }
        let Ok(Ok(_permit)) = timeout_at(deadline, self.permits.acquire()).await else {
            tracing::warn!("too many GraphQL statements are waiting");
            return Err(Missed::Failed);
        };
        let connected = AtomicBool::new(false);
        let asking = timeout_at(deadline, async {
            let client = self.pool.get().await.map_err(|error| {
                tracing::warn!(%error, "no connection for a GraphQL statement");
                Missed::Failed
            })?;
            connected.store(true, Ordering::Relaxed);
            let answer = async {
                let statement = client.prepare_cached(sql).await?;
                let mut found = Ok(vec![]);
                let take = |row: Row| match &self.budget {
                    // The rest of the rows is not waited for. The request is refused with the reason that its budget knows.
                    Some(budget) if budget.read(row.raw_size_bytes()).is_err() => ControlFlow::Break(()),
                    _ => keep(&mut found, read(&row)),
                };
                let whole = match (&self.floor, begin) {
                    (None, None) => client.each(&statement, values, take).await?,
                    (floor, begin) => {
                        let (floor, begin) = (floor.as_deref().unwrap_or(&NO_FLOOR), begin.unwrap_or(BEGIN));
                        floor
                            .each(&client, begin, models, &statement, values, take)
                            .await?
                    }
                };
                Ok::<_, tokio_postgres::Error>(whole.is_continue().then_some(found?))
            };
            Ok(answer.await)
        });
        let Ok(answer) = asking.await else {
            let connected = connected.into_inner();
            tracing::warn!(timeout = ?self.timeout, connected, ?models, "a GraphQL statement took too long");
            return Err(Missed::Failed);
        };
        match answer? {
            Ok(Some(rows)) => Ok(rows),
            Ok(None) => Err(Missed::Failed),
            Err(error) if begin.is_some() && error.code() == Some(&SqlState::QUERY_CANCELED) => {
                Err(Missed::Late)
            }
            Err(error) => {
                let refused = error
                    .as_db_error()
                    .map(|refused| (refused.code().code(), refused.message()));
                tracing::warn!(%error, ?refused, "a GraphQL statement failed");
                Err(Missed::Failed)
            }
        }
    }
}

impl Floor {
    /// Waits for read models that lag: whoever asks those has no connection meanwhile. Others were waited for with the request.
    async fn caught_up(&self, checkpoints: &Checkpoints, models: &[&str], timeout: Duration) {
        let prompt = tidings_projections::prompt();
        let lagging: Vec<&str> = models
            .iter()
            .filter(|name| !prompt.contains(name))
            .copied()
            .collect();
        if lagging.is_empty() {
            return;
        }
        for (lane, pos) in self.lanes.iter().zip(&self.positions) {
            let (lane, pos) = (u8::try_from(*lane).unwrap_or(0), pos.cast_unsigned());
            // What comes of it, the snapshot tells.
            let _ = checkpoints
                .passed_by(&lagging, Position { lane, pos }, timeout)
                .await;
        }
    }

    /// Reads row by row, once the read models include everything in the snapshot that the rows are read in.
    async fn each(
        &self,
        client: &Lease,
        begin: &str,
        models: &[&str],
        statement: &Statement,
        values: &[&(dyn ToSql + Sync)],
        mut take: impl FnMut(Row) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, tokio_postgres::Error> {
        let behind = client.prepare_cached(BEHIND).await?;
        let version = |name: &&str| tidings_projections::find(name).map_or(0, Projection::version);
        let versions: Vec<i32> = models.iter().map(version).collect();
        let wanted: [&(dyn ToSql + Sync); 4] = [&self.lanes, &self.positions, &models, &versions];
        loop {
            let (tell, told) = oneshot::channel();
            let looking = async {
                let is_behind: bool = client.query_one(&behind, &wanted).await?.try_get(0)?;
                // Nobody listens where the rows could not be asked for.
                let _ = tell.send(!is_behind);
                Ok::<_, tokio_postgres::Error>(is_behind)
            };
            // Rows may be here before this task has seen that they are wanted.
            let are_wanted = async { told.await.unwrap_or(false) };
            // Sent together, so the end is on its way whatever comes of the rest.
            let (begun, looked, read, ended) = join4(
                client.batch_execute(begin),
                looking,
                client.each_if(are_wanted, statement, values, &mut take),
                client.batch_execute("COMMIT"),
            )
            .await;
            begun?;
            let (is_behind, read) = (looked?, read?);
            ended?;
            if !is_behind {
                return Ok(read);
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// Keeps an item, or the error in place of all.
fn keep<T, E>(found: &mut Result<Vec<T>, E>, item: Result<T, E>) -> ControlFlow<()> {
    match (found.as_mut(), item) {
        (Ok(items), Ok(item)) => items.push(item),
        (Ok(_), Err(error)) => *found = Err(error),
        (Err(_), _) => {}
    }
    ControlFlow::Continue(())
}
