//! Building read models beside the live ones, from the beginning of the log to given positions.

use crate::engine::advance::{Setback, advance};
use crate::engine::observer::{Progress, Stage};
use crate::engine::pace::Pace;
use crate::engine::patience::Patience;
use crate::engine::range::{plan, read};
use crate::engine::schema;
use crate::engine::session::{SHORT, Session};
use crate::engine::store::{self, State};
use crate::engine::target::Target;
use crate::error::{ProjectionError, within};
use crate::fact::Decoded;
use crate::projection::Projection;
use deadpool_postgres::Transaction;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tidings_eventlog::Log;
use tokio::time::{Instant, sleep};

/// Events in one range. Larger than live ranges, since nobody waits for a single one.
const RANGE: u64 = 5000;
/// The same for a build that others are not to notice.
const RANGE_GENTLE: u64 = 1000;

/// Events that were read beforehand: those after the first position, up to the second.
type Ahead = (u64, u64, Vec<Decoded>);

/// Where targets are to come: by lane, one position per target.
pub(crate) type Goals = BTreeMap<u8, Vec<u64>>;

/// Read models that are being built.
pub(crate) struct Build<'a> {
    pub(crate) log: &'a Log,
    pub(crate) targets: Vec<Target>,
    pub(crate) workers: usize,
    pub(crate) progress: &'a dyn Progress,
    /// It leaves the database to others half of the time, and in between.
    pub(crate) gentle: bool,
}

/// Goals for `targets` at the heads of all lanes.
pub(crate) async fn heads(log: &Log, targets: usize) -> Result<Goals, ProjectionError> {
    Ok(log
        .heads()
        .await?
        .into_iter()
        .map(|lane| (lane.lane, vec![lane.head; targets]))
        .collect())
}

/// How far each of `targets` is in every lane, and where the lane ends.
pub(crate) async fn states(
    log: &Log,
    admin: &Session,
    targets: &[&Target],
) -> Result<BTreeMap<u8, State>, ProjectionError> {
    let mut found = BTreeMap::new();
    for lane in log.heads().await? {
        let state = within(SHORT, store::state(&admin.client, lane.lane, targets)).await?;
        found.insert(lane.lane, state);
    }
    Ok(found)
}

impl<'a> Build<'a> {
    /// Makes empty tables in schemas named `p_<projection>_<suffix>`, or goes on with those that an earlier run has left, where
    /// they are of the same program, version and time lines.
    pub(crate) async fn begin(
        admin: &mut Session,
        log: &'a Log,
        projections: &[&'static dyn Projection],
        suffix: &str,
        workers: usize,
        progress: &'a dyn Progress,
    ) -> Result<Self, ProjectionError> {
        let targets: Vec<Target> = projections
            .iter()
            .map(|projection| Target::beside(log.pool().home(), *projection, suffix))
            .collect();
        let making = async {
            let transaction = admin.client.transaction().await?;
            schema::exclusive(&transaction, log.pool().home()).await?;
            for target in &targets {
                let origin = schema::origin(&transaction, target).await?;
                if !schema::is_of(&transaction, target, &origin).await? {
                    schema::create_of(&transaction, target, &origin).await?;
                }
            }
            transaction.commit().await?;
            Ok::<_, ProjectionError>(())
        };
        within(schema::MAKING, making).await?;
        let build = Self {
            log,
            targets,
            workers: workers.max(1),
            progress,
            gentle: false,
        };
        for (lane, (head, positions)) in build.positions(admin).await? {
            match positions.into_iter().min() {
                Some(done) if done > 0 => progress.resumes(lane, done, head),
                _ => {}
            }
        }
        Ok(build)
    }

    /// The same from the beginning, whatever an earlier run has left, on one connection and without telling how far it is.
    pub(crate) async fn begin_anew(
        admin: &mut Session,
        log: &'a Log,
        projections: &[&'static dyn Projection],
        suffix: &str,
    ) -> Result<Self, ProjectionError> {
        let build = Self::begin(admin, log, projections, suffix, 1, &()).await?;
        build.discard(admin).await;
        Self::begin(admin, log, projections, suffix, 1, &()).await
    }

    /// The live targets of the projections that are built, in their order.
    pub(crate) fn lives(&self) -> Vec<Target> {
        let projections = self.targets.iter().map(|target| target.projection);
        Target::these_live(self.log.pool().home(), projections)
    }

    /// The head of each lane, and how far each target is in it.
    async fn positions(&self, admin: &Session) -> Result<BTreeMap<u8, (u64, Vec<u64>)>, ProjectionError> {
        let targets: Vec<&Target> = self.targets.iter().collect();
        let states = states(self.log, admin, &targets).await?;
        let of_lane = |(lane, state): (u8, State)| {
            let positions = state.positions.into_iter().map(|pos| pos.unwrap_or(0));
            (lane, (state.head, positions.collect()))
        };
        Ok(states.into_iter().map(of_lane).collect())
    }

    /// Makes those targets anew that have come further than `goals`, as tables may that an earlier run has left.
    pub(crate) async fn begin_anew_beyond(
        &self,
        admin: &mut Session,
        goals: &Goals,
    ) -> Result<(), ProjectionError> {
        let positions = self.positions(admin).await?;
        let beyond = |of: usize| {
            positions.iter().any(|(lane, (_, positions))| {
                goals.get(lane).and_then(|goals| goals.get(of)) < positions.get(of)
            })
        };
        for (of, target) in self.targets.iter().enumerate() {
            if beyond(of) {
                let transaction = admin.client.transaction().await?;
                schema::exclusive(&transaction, self.log.pool().home()).await?;
                let origin = schema::origin(&transaction, target).await?;
                schema::create_of(&transaction, target, &origin).await?;
                transaction.commit().await?;
            }
        }
        Ok(())
    }

    /// Folds all lanes up to `goals`, several at a time, those too that were added since the tables were made.
    pub(crate) async fn fill(&self, goals: &Goals) -> Result<(), ProjectionError> {
        let mut patience = Patience::new();
        while let Err(error) = within(SHORT, self.add_lanes()).await {
            tracing::warn!(%error, "lanes that were added will be looked for again");
            patience.wait(error).await?;
        }
        let mut lanes: Vec<u8> = goals.keys().copied().collect();
        // The longest is taken first, so that no worker begins it when the others end.
        lanes.sort_by_key(|lane| goals[lane].iter().max().copied());
        let workers = self.workers.min(lanes.len());
        let lanes = Mutex::new(lanes);
        try_join_all((0..workers).map(|_| self.fill_some(&lanes, goals))).await?;
        Ok(())
    }

    /// Gives the targets a place in every lane. It is committed by itself, for those who fold have sessions of their own.
    async fn add_lanes(&self) -> Result<(), ProjectionError> {
        let mut client = self.log.pool().get().await?;
        let transaction = client.transaction().await?;
        for target in &self.targets {
            // What has a place in no lane is gone, and does not begin again on whatever tables there are.
            if schema::is_begun(&transaction, target).await? {
                schema::add_lanes(&transaction, target).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Folds one lane after the other of those that nobody has begun.
    async fn fill_some(&self, lanes: &Mutex<Vec<u8>>, goals: &Goals) -> Result<(), ProjectionError> {
        let mut patience = Patience::new();
        let mut session = loop {
            match Session::fold(self.log.pool()).await {
                Ok(session) => break session,
                Err(error) => patience.wait(error).await?,
            }
        };
        loop {
            let next = lanes.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(lane) = next else { return Ok(()) };
            self.fill_lane(&mut session, lane, &goals[&lane]).await?;
        }
    }

    /// Folds a lane up to `goals`. What fails for the moment is tried again, so that hours of work are not lost to a
    /// database that restarts; it goes on where the checkpoints are.
    async fn fill_lane(&self, session: &mut Session, lane: u8, goals: &[u64]) -> Result<(), ProjectionError> {
        let end = goals.iter().copied().max().unwrap_or(0);
        let range = if self.gentle { RANGE_GENTLE } else { RANGE };
        let (mut pace, mut patience, mut ahead) = (Pace::new(range), Patience::new(), None);
        loop {
            let begun = Instant::now();
            match self.fill_range(session, lane, goals, pace, &mut ahead).await {
                Ok(None) => return Ok(()),
                Ok(Some(done)) => {
                    pace.faster();
                    patience = Patience::new();
                    self.progress.lane(lane, done, end);
                    if self.gentle {
                        sleep(begun.elapsed()).await;
                    }
                }
                Err(error) => {
                    if error.is_slow_read() {
                        pace.slower();
                    }
                    tracing::warn!(lane, %error, "a range of the build will be tried again");
                    patience.wait(error).await?;
                    if session.client.is_closed()
                        && let Ok(anew) = Session::fold(self.log.pool()).await
                    {
                        *session = anew;
                    }
                }
            }
        }
    }

    /// Folds the next range of a lane while the one behind it is read; answers how far it came, or `None` at the end.
    async fn fill_range(
        &self,
        session: &mut Session,
        lane: u8,
        goals: &[u64],
        pace: Pace,
        ahead: &mut Option<Ahead>,
    ) -> Result<Option<u64>, ProjectionError> {
        let targets: Vec<&Target> = self.targets.iter().collect();
        let state = within(SHORT, store::state(&session.client, lane, &targets)).await?;
        let lacking = targets
            .iter()
            .zip(&state.positions)
            .find(|(_, pos)| pos.is_none());
        if let Some((target, _)) = lacking {
            // Without a place it would look finished, and go live without what has happened there.
            return Err(ProjectionError::Missing(target.projection.name()));
        }
        let Some(next) = plan(&state.positions, goals, pace.events()) else {
            return Ok(None);
        };
        let events = match ahead.take() {
            Some((from, to, events)) if from == next.from && to <= next.to => events,
            _ => read(self.log, lane, next.from, next.to).await?,
        };
        let from = events.last().map_or(next.to, |event| event.record.pos);
        // What others than these targets lack may lie behind: reading on is then in vain, and no more.
        let end = goals.iter().copied().max().unwrap_or(0);
        let to = end.min(from + pace.events());
        let reading = async {
            if from >= to {
                return None;
            }
            let events = read(self.log, lane, from, to).await.ok()?;
            let to = events.last()?.record.pos;
            Some((from, to, events))
        };
        let group: Vec<&Target> = next.group.iter().map(|i| targets[*i]).collect();
        let folding = advance(&mut session.client, lane, &group, &events, &());
        let (read, folded) = tokio::join!(reading, folding);
        *ahead = read;
        match folded {
            Ok(advanced) => match advanced.held.into_iter().next() {
                Some(held) => Err(held.into()),
                None => Ok(Some(from)),
            },
            Err(Setback::Moved) => Err(ProjectionError::Database("a checkpoint has moved".to_owned())),
            Err(Setback::Failed(error)) => Err(error),
        }
    }

    /// Locks the live checkpoints, so that nothing moves, and brings the build to them. Targets that are further already
    /// stay there. Answers the live positions.
    pub(crate) async fn settle(&self, transaction: &Transaction<'_>) -> Result<Goals, ProjectionError> {
        let live = self.lives();
        let (labels, versions) = store::keys(&live.iter().collect::<Vec<_>>());
        let sql = include_str!("admin/lock_checkpoints.sql");
        let rows = within(SHORT, transaction.query(sql, &[&labels, &versions])).await?;
        // Read behind the checkpoints, which therefore are not further, unless they are ahead of a log that has gone back.
        let heads: BTreeMap<u8, u64> = self
            .log
            .heads()
            .await?
            .into_iter()
            .map(|lane| (lane.lane, lane.head))
            .collect();
        let mut goals: Goals = heads.keys().map(|lane| (*lane, vec![0; labels.len()])).collect();
        for row in rows {
            let (label, lane): (&str, i16) = (row.try_get(0)?, row.try_get(1)?);
            let at = labels.iter().position(|found| *found == label);
            let lane = u8::try_from(lane).unwrap_or(0);
            if let (Some(at), Some(head), Some(positions)) = (at, heads.get(&lane), goals.get_mut(&lane)) {
                let pos = row.try_get::<_, i64>(2)? as u64;
                positions[at] = positions[at].max(pos.min(*head));
            }
        }
        // Whatever lane a live checkpoint is in has its place in the build now, and is filled. One that is added from here on is in no
        // live read model either, for whoever gives it a place there waits for this transaction.
        self.fill(&goals).await?;
        Ok(goals)
    }

    /// Makes the indexes that only readers need. Nobody but the build writes to its tables meanwhile.
    pub(crate) async fn index(&self, admin: &mut Session) -> Result<(), ProjectionError> {
        self.progress.stage(Stage::Indexing);
        for target in &self.targets {
            let transaction = admin.client.transaction().await?;
            schema::index(&transaction, target).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Drops what was built, unless the next run may go on with it after such an error.
    pub(crate) async fn end(&self, admin: &mut Session, error: Option<&ProjectionError>) {
        if error.is_some_and(ProjectionError::may_pass) {
            tracing::warn!("what was built is kept: the next run goes on from there");
        } else {
            self.discard(admin).await;
        }
    }

    /// Drops what was built, as far as that is possible now.
    pub(crate) async fn discard(&self, admin: &mut Session) {
        let dropping = async {
            let transaction = admin.client.transaction().await?;
            schema::exclusive(&transaction, self.log.pool().home()).await?;
            for target in &self.targets {
                schema::drop(&transaction, target).await?;
            }
            transaction.commit().await?;
            Ok::<_, ProjectionError>(())
        };
        if let Err(error) = within(SHORT, dropping).await {
            tracing::warn!(%error, "half-built tables are left until the next build");
        }
    }
}
