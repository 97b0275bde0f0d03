//! Building versions of read models that are new, beside those that other nodes go on with.

use crate::conversations::memberships::MEMBERSHIP_MODELS;
use crate::engine::build::{Build, Goals, states};
use crate::engine::check::check;
use crate::engine::observer::{Observer, Progress};
use crate::engine::replay::{REBUILD, build_up};
use crate::engine::runner::Projector;
use crate::engine::schema;
use crate::engine::session::{SHORT, Session};
use crate::engine::store::State;
use crate::engine::target::{Target, chosen};
use crate::engine::version;
use crate::error::{ProjectionError, within};
use crate::models;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a node looks whether another one is done, or whether it can do the work itself.
const LOOK: Duration = Duration::from_millis(500);
/// How often the log says how far it is.
const TELL: Duration = Duration::from_secs(10);

impl Projector {
    /// Leaves the read models of these names, which [`setup`](crate::setup) has returned, to [`build`](Self::build): lanes do not
    /// fold them meanwhile, and readers of them wait.
    pub fn begin_builds(&self, names: &[&'static str]) {
        self.checkpoints.set_building(names);
        for name in models::names() {
            self.observer.building(name, names.contains(&name));
        }
    }

    /// Builds the read models that are to be built, from the beginning of the log or from where an earlier build was interrupted, and
    /// hands them to the runners of the lanes once they are near the heads. One node builds and the others watch, whichever goes
    /// away. It ends when nothing is left to build; dropped, it leaves what is done. Those who talk meanwhile hardly notice.
    pub async fn build(self) {
        let mut admin = None;
        loop {
            match self.try_build(&mut admin).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "read models are not built yet");
                    admin = None;
                }
            }
            sleep(LOOK).await;
        }
    }

    /// Whether nothing is left to build.
    async fn try_build(&self, kept: &mut Option<Session>) -> Result<bool, ProjectionError> {
        if self.checkpoints.building().is_empty() || self.look_for_built().await? {
            return Ok(true);
        }
        if self.to_build().is_empty() {
            // An administrator has to have a look.
            return Ok(false);
        }
        let admin = match kept {
            Some(admin) => admin,
            None => kept.insert(Session::admin(self.log.pool()).await?),
        };
        if !admin.try_lock(REBUILD).await? {
            return Ok(false);
        }
        // Whoever held the lock may have done the work.
        let done = match self.look_for_built().await {
            Ok(false) if !self.to_build().is_empty() => self.build_rest(admin).await,
            done => done,
        };
        admin.unlock(REBUILD).await;
        if let Err(error @ ProjectionError::Refused { .. }) = &done {
            tracing::error!(%error, "a read model stays out of use until it is rebuilt or the program replaced");
        }
        done
    }

    /// Hands what is built by now to the runners; whether that is all.
    async fn look_for_built(&self) -> Result<bool, ProjectionError> {
        // It also makes anew what somebody has dropped meanwhile.
        let unbuilt = schema::setup(self.log.pool()).await?;
        self.checkpoints
            .set_refused(version::refused(self.log.pool()).await?);
        self.begin_builds(&unbuilt);
        Ok(unbuilt.is_empty())
    }

    /// Read models that are to be built and were not refused.
    fn to_build(&self) -> Vec<&'static str> {
        let (building, refused) = (self.checkpoints.building(), self.checkpoints.refused());
        let wanted = |name: &&str| !refused.iter().any(|(refused, _)| refused == name);
        building.into_iter().filter(wanted).collect()
    }

    /// Whether nothing is left to build.
    async fn build_rest(&self, admin: &mut Session) -> Result<bool, ProjectionError> {
        let names = self.to_build();
        let begun = Instant::now();
        tracing::info!(?names, "read models of this version are being built");
        let targets = Target::these_live(self.log.pool().home(), chosen(&names)?);
        let states_before = states(&self.log, admin, &targets.iter().collect::<Vec<_>>()).await?;
        let telling = Telling::new(Arc::clone(&self.observer), names.clone(), &states_before);
        let build = Build {
            log: &self.log,
            targets,
            workers: 1,
            progress: &telling,
            // Nobody is served anyway while those are missing that clients are let in by.
            gentle: !names.iter().any(|name| MEMBERSHIP_MODELS.contains(name)),
        };
        build_up(admin, &build, &mut Goals::new()).await?;
        let targets: Vec<&Target> = build.targets.iter().collect();
        // One whose checkpoints are gone has nothing left to be folded, and a lane may have been added a moment ago.
        for state in states(&self.log, admin, &targets).await?.into_values() {
            let lost = targets
                .iter()
                .zip(&state.positions)
                .find(|(_, pos)| pos.is_none());
            if let Some((target, _)) = lost {
                return Err(ProjectionError::Missing(target.projection.name()));
            }
        }
        Box::pin(check(admin, &build)).await?;
        within(SHORT, version::go_live(&*admin.client, &targets)).await?;
        let built = self.look_for_built().await?;
        tracing::info!(
            ?names,
            seconds = begun.elapsed().as_secs(),
            "read models are built"
        );
        Ok(built)
    }
}

/// Says how far a build is, now and then in the log.
struct Telling {
    observer: Arc<dyn Observer>,
    names: Vec<&'static str>,
    begun: Instant,
    /// What was done before.
    kept: u64,
    told: Mutex<Told>,
}

struct Told {
    /// Of each lane, how many events are in, and of how many.
    lanes: BTreeMap<u8, (u64, u64)>,
    at: Instant,
}

impl Telling {
    /// Of read models that are being built, and are so far already.
    fn new(observer: Arc<dyn Observer>, names: Vec<&'static str>, states: &BTreeMap<u8, State>) -> Self {
        let lane = |(lane, state): (&u8, &State)| {
            let least = state.positions.iter().flatten().min().copied();
            (*lane, (least.unwrap_or(0), state.head))
        };
        let lanes: BTreeMap<u8, (u64, u64)> = states.iter().map(lane).collect();
        let now = Instant::now();
        Self {
            observer,
            names,
            begun: now,
            kept: lanes.values().map(|(done, _)| done).sum(),
            told: Mutex::new(Told { lanes, at: now }),
        }
    }
}

impl Progress for Telling {
    fn lane(&self, lane: u8, done: u64, total: u64) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.lanes.insert(lane, (done, total));
        let sums = told.lanes.values();
        let (done, total) = sums.fold((0, 0), |sum, lane| (sum.0 + lane.0, sum.1 + lane.1));
        for name in &self.names {
            self.observer.built(name, done, total);
        }
        if told.at.elapsed() >= TELL {
            told.at = Instant::now();
            let rate = done.saturating_sub(self.kept) as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
            let left = total.saturating_sub(done) as f64 / rate.max(1.0);
            tracing::info!(
                names = ?self.names,
                done,
                total,
                events_per_second = rate as u64,
                seconds_left = left as u64,
                "read models are being built"
            );
        }
    }
}
