//! Building versions of read models that are new, beside those that other nodes go on with.

use crate::conversations::memberships::MEMBERSHIP_MODELS;
use crate::engine::build::{Build, Goals, states};
use crate::engine::observer::Progress;
use crate::engine::replay::{REBUILD, run_after};
use crate::engine::runner::Projector;
use crate::engine::schema;
use crate::engine::session::{SHORT, Session};
use crate::engine::target::{Target, chosen};
use crate::engine::version;
use crate::error::{ProjectionError, within};
use crate::models;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
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
        let admin = match kept {
            Some(admin) => admin,
            None => kept.insert(Session::admin(self.log.pool()).await?),
        };
        if !admin.try_lock(REBUILD).await? {
            return Ok(false);
        }
        // Whoever held the lock may have done the work.
        let done = match self.look_for_built().await {
            Ok(false) => self.build_rest(admin).await,
            done => done.map(drop),
        };
        admin.unlock(REBUILD).await;
        done.map(|()| true)
    }

    /// Hands what is built by now to the runners; whether that is all.
    async fn look_for_built(&self) -> Result<bool, ProjectionError> {
        // It also makes anew what somebody has dropped meanwhile.
        let unbuilt = schema::setup(self.log.pool()).await?;
        self.begin_builds(&unbuilt);
        Ok(unbuilt.is_empty())
    }

    async fn build_rest(&self, admin: &Session) -> Result<(), ProjectionError> {
        let names = self.checkpoints.building();
        let begun = Instant::now();
        tracing::info!(?names, "read models of this version are being built");
        let targets = Target::these_live(self.log.pool().home(), chosen(&names)?);
        let telling = Telling::default();
        let build = Build {
            log: &self.log,
            targets,
            workers: 1,
            progress: &telling,
            // Nobody is served anyway while those are missing that clients are let in by.
            gentle: !names.iter().any(|name| MEMBERSHIP_MODELS.contains(name)),
        };
        run_after(&build, &mut Goals::new()).await?;
        let targets: Vec<&Target> = build.targets.iter().collect();
        // One whose checkpoints are gone looks finished, too.
        for state in states(&self.log, admin, &targets).await?.into_values() {
            let lost = targets
                .iter()
                .zip(&state.positions)
                .find(|(_, pos)| pos.is_none());
            if let Some((target, _)) = lost {
                return Err(ProjectionError::Missing(target.projection.name()));
            }
        }
        within(SHORT, version::go_live(&*admin.client, &targets)).await?;
        self.begin_builds(&[]);
        tracing::info!(
            ?names,
            seconds = begun.elapsed().as_secs(),
            "read models are built"
        );
        Ok(())
    }
}

/// Says now and then how far a build is.
#[derive(Default)]
struct Telling(Mutex<Told>);

#[derive(Default)]
struct Told {
    /// Of each lane, how many events are in, and of how many.
    lanes: BTreeMap<u8, (u64, u64)>,
    at: Option<Instant>,
}

impl Progress for Telling {
    fn lane(&self, lane: u8, done: u64, total: u64) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.lanes.insert(lane, (done, total));
        if told.at.is_none_or(|at| at.elapsed() >= TELL) {
            told.at = Some(Instant::now());
            let (done, total) = told
                .lanes
                .values()
                .fold((0, 0), |sum, lane| (sum.0 + lane.0, sum.1 + lane.1));
            tracing::info!(
                done,
                total,
                "events of the lanes begun are in the read models being built"
            );
        }
    }
}
