//! The runner: keeps the live projections of a lane at its head.

use crate::engine::advance::{Held, Setback, advance};
use crate::engine::checkpoint::Checkpoints;
use crate::engine::observer::Observer;
use crate::engine::pace::Pace;
use crate::engine::range::{plan, read};
use crate::engine::session::{SHORT, Session};
use crate::engine::store::{self, State};
use crate::engine::tail::Tail;
use crate::engine::target::Target;
use crate::engine::version;
use crate::engine::wake::Wake;
use crate::error::{ProjectionError, within};
use crate::fact::Decoded;
use futures_util::FutureExt;
use futures_util::future::join;
use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tidings_eventlog::Log;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// Events in one range.
const RANGE: u64 = 4000;
/// After a fold, events gather for so many times as long as it took, and within these bounds, unless somebody waits for
/// them: a thousand events cost hardly more statements than one, and move each row only once.
const GATHER_TIMES: u32 = 3;
const GATHER_MAX: Duration = Duration::from_millis(200);
/// The same of what lags: it folds more at once, and leaves the processor to others meanwhile.
const GATHER_LAGGING_MAX: Duration = Duration::from_secs(1);
/// So long the first events after a pause gather, too. A lane in which something happens fifty times a second folds ten times, and
/// whoever delivers the events has the processor first.
const GATHER_MIN: Duration = Duration::from_millis(100);
/// How often the worker looks at the log unasked.
const POLL: Duration = Duration::from_millis(250);
/// How often a follower looks at the checkpoints, and how often while somebody waits for one.
const FOLLOW: Duration = Duration::from_millis(100);
const FOLLOW_AWAITED: Duration = Duration::from_millis(15);
/// How many looks a follower takes before it asks for the leader lock again.
const FOLLOW_LOOKS: u32 = 10;
/// How many looks a follower takes that knows that only another program can go on: far longer than any other waits.
const CEDE: u32 = 4 * FOLLOW_LOOKS;
/// How many looks without any progress a follower takes before it does the work of a silent worker.
const STALL_LOOKS: u32 = 30;
/// How long a projection that cannot go on is left alone, and how long a lane waits after a failure.
const HOLD: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);
const RECONNECT: Duration = Duration::from_millis(500);

/// Keeps live projections current. Cheap to clone.
#[derive(Clone)]
pub struct Projector {
    pub(super) log: Log,
    targets: Arc<[Target]>,
    /// Those that lag.
    others: Arc<[Target]>,
    /// Whether the targets are those that lag.
    lags: bool,
    pub(super) checkpoints: Checkpoints,
    wake: Wake,
    tail: Tail,
    pub(super) observer: Arc<dyn Observer>,
}

/// What one step came to.
enum Step {
    /// Everything that can go on is at the head; whether some read model is of another version than this program's.
    Idle { lacking: bool },
    /// So many events were folded, and there are more.
    Folded { events: u64, more: bool, lacking: bool },
    /// Somebody else had done the work.
    Moved,
    /// Some projections cannot go on.
    Held(Vec<Held>),
}

/// How long a follower has seen nothing move.
#[derive(Default)]
struct Stall {
    last: Vec<Option<u64>>,
    looks: u32,
    /// What it could not fold itself since then.
    held: HashSet<String>,
}

impl Projector {
    /// A projector for lanes 0 to `lanes` - 1, and for those that are run later. It takes two connections per lane out of the log's pool, for good, one of
    /// them for what lags, and reads events through the pool.
    pub fn new(log: Log, lanes: u16, observer: Arc<dyn Observer>) -> Self {
        let wake = Wake::new();
        let checkpoints = Checkpoints::new(usize::from(lanes), wake.clone());
        let targets = Target::all_live(log.pool().home()).into_iter();
        let (others, targets): (Vec<_>, Vec<_>) = targets.partition(|target| target.projection.lags());
        Self {
            log,
            targets: targets.into(),
            others: others.into(),
            lags: false,
            checkpoints,
            wake,
            tail: Tail::new(),
            observer,
        }
    }

    /// Where readers can wait for the projections.
    pub fn checkpoints(&self) -> Checkpoints {
        self.checkpoints.clone()
    }

    /// Where writers can nudge the projections.
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// Where this process can leave what it has committed, so that it need not be read.
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Runs one lane for ever; drop the future to end it. Of all processes that run a lane one works and the others follow
    /// it, taking over when it goes away or falls silent.
    pub async fn run_lane(self, lane: u8) {
        self.checkpoints.add(lane);
        let lagging = self.lagging();
        join(Box::pin(self.run(lane)), Box::pin(lagging.run(lane))).await;
    }

    /// The same projector for the projections that lag.
    fn lagging(&self) -> Self {
        Self {
            targets: Arc::clone(&self.others),
            lags: true,
            ..self.clone()
        }
    }

    async fn run(&self, lane: u8) {
        loop {
            let Err(error) = self.serve(lane).await;
            // The database may have lost what was folded last.
            self.checkpoints.forget(lane, &self.names());
            tracing::warn!(lane, %error, "projections of the lane were interrupted");
            self.observer.failed(lane, &error);
            sleep(RECONNECT).await;
        }
    }

    /// Brings the live projections of a lane to its head, beside any runner, and answers how many events this call folded.
    /// When one of them cannot go on, the others are there all the same.
    pub async fn catch_up(&self, lane: u8) -> Result<u64, ProjectionError> {
        let (folded, lagging) = (self.bring(lane).await, self.lagging().bring(lane).await);
        let folded = folded?;
        lagging?;
        Ok(folded)
    }

    async fn bring(&self, lane: u8) -> Result<u64, ProjectionError> {
        let mut session = Session::fold(self.log.pool()).await?;
        let (mut folded, mut pace) = (0, Pace::new(RANGE));
        let (mut held, mut stuck) = (HashSet::new(), None);
        loop {
            match self.step(&mut session, lane, &held, pace).await {
                Ok(Step::Idle { .. }) => return stuck.map_or(Ok(folded), |held: Held| Err(held.into())),
                Ok(Step::Folded { events, .. }) => folded += events,
                Ok(Step::Moved) => {}
                Ok(Step::Held(anew)) => {
                    held.extend(anew.iter().map(|held| held.label.clone()));
                    stuck = stuck.or_else(|| anew.into_iter().next());
                }
                Err(error) if error.is_slow_read() && pace.slower() => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn serve(&self, lane: u8) -> Result<Infallible, ProjectionError> {
        let mut session = Session::kept(self.log.pool()).await?;
        let mut stall = Stall::default();
        let leader = self.leader_lock(lane);
        loop {
            if session.try_lock(&leader).await? {
                self.work(&mut session, lane).await?;
                // Another program, where there is one, finds the lock free in the meantime.
                session.unlock(&leader).await;
                self.follow(&mut session, lane, &mut stall, CEDE).await?;
            }
            self.follow(&mut session, lane, &mut stall, FOLLOW_LOOKS).await?;
        }
    }

    /// Folds what comes, until only another program can go on with some projection, a newer one or one that knows the version of
    /// its tables, and the others are at the head.
    async fn work(&self, session: &mut Session, lane: u8) -> Result<(), ProjectionError> {
        let mut held: HashSet<String> = HashSet::new();
        let mut for_newer = false;
        let mut pace = Pace::new(RANGE);
        let mut release = interval(HOLD);
        release.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if release.tick().now_or_never().is_some() {
                for label in held.drain() {
                    self.observer.held(lane, &label, false);
                }
            }
            let begun = Instant::now();
            match self.step(session, lane, &held, pace).await {
                Ok(
                    Step::Idle { lacking }
                    | Step::Folded {
                        more: false, lacking, ..
                    },
                ) if for_newer || lacking => return Ok(()),
                Ok(Step::Folded { more: false, .. }) => {
                    pace.faster();
                    let most = if self.lags { GATHER_LAGGING_MAX } else { GATHER_MAX };
                    let limit = (begun.elapsed() * GATHER_TIMES).clamp(GATHER_MIN, most);
                    self.gather(lane, limit).await;
                }
                Ok(Step::Folded { .. }) => pace.faster(),
                Ok(Step::Moved) => {}
                Ok(Step::Idle { .. }) => {
                    // A nudge or the end of the wait, whichever is first. What lags leaves nudges to the others.
                    if self.lags {
                        sleep(POLL).await;
                    } else if timeout(POLL, self.wake.nudged(lane)).await.is_ok() {
                        self.gather(lane, GATHER_MIN).await;
                    }
                }
                Ok(Step::Held(stuck)) => {
                    for stuck in stuck {
                        self.observer.held(lane, &stuck.label, true);
                        held.insert(stuck.label.clone());
                        for_newer |= stuck.for_newer;
                        let error = ProjectionError::from(stuck);
                        tracing::error!(lane, %error, "a projection cannot go on");
                        self.observer.failed(lane, &error);
                    }
                    release.reset();
                }
                Err(error) if session.client.is_closed() => return Err(error),
                // An answer that came too late may still be on its way, or the server has become one that only reads: the
                // session is of no more use, and another node may have a better one.
                Err(error @ (ProjectionError::Timeout(_) | ProjectionError::Unreachable(_))) => {
                    return Err(error);
                }
                Err(error) => {
                    if error.is_slow_read() {
                        pace.slower();
                    }
                    tracing::warn!(lane, %error, events = pace.events(), "a range will be tried again");
                    self.observer.failed(lane, &error);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Lets events gather for a while, unless somebody waits for a position.
    async fn gather(&self, lane: u8, limit: Duration) {
        if self.lags {
            return sleep(limit).await;
        }
        let asked = async {
            while !self.checkpoints.is_awaited(lane) {
                self.checkpoints.asked(lane).await;
            }
        };
        // A reader that waits, or the end of the wait, whichever is first.
        let _ = timeout(limit, asked).await;
    }

    /// Watches the checkpoints for a while.
    async fn follow(
        &self,
        session: &mut Session,
        lane: u8,
        stall: &mut Stall,
        looks: u32,
    ) -> Result<(), ProjectionError> {
        for _ in 0..looks {
            let state = self.look(session, lane).await?;
            for (i, pos) in stall.left_behind(&state) {
                let label = &self.targets[i].label;
                if !self.checkpoints.is_building(label) {
                    self.checkpoints.hold(lane, label, pos + 1);
                }
            }
            if stall.is_too_long(&state) {
                // Harmless if the worker is alive after all: only one of both can move a checkpoint.
                match self.step(session, lane, &stall.held, Pace::new(RANGE)).await? {
                    Step::Folded { .. } | Step::Moved => continue,
                    // The others may be able to go on.
                    Step::Held(stuck) => {
                        stall.held.extend(stuck.into_iter().map(|held| held.label));
                        continue;
                    }
                    // Nobody can go on: the worker is not silent, or has as little to do.
                    Step::Idle { .. } => stall.begin_again(),
                }
            }
            if self.lags {
                sleep(FOLLOW).await;
            } else if self.checkpoints.is_awaited(lane) {
                sleep(FOLLOW_AWAITED).await;
            } else {
                let _ = timeout(FOLLOW, self.checkpoints.asked(lane)).await;
            }
        }
        Ok(())
    }

    async fn look(&self, session: &Session, lane: u8) -> Result<State, ProjectionError> {
        let targets: Vec<&Target> = self.targets.iter().collect();
        let state = within(SHORT, store::state(&session.client, lane, &targets)).await?;
        // What is ahead of the log vouches for nothing.
        let sound = |pos: &Option<u64>| pos.filter(|pos| *pos <= state.head);
        let positions = state.positions.iter().map(sound).collect();
        let (head, epoch) = (state.head, state.epoch);
        let vouched = State {
            head,
            epoch,
            positions,
        };
        self.publish(lane, &vouched);
        Ok(state)
    }

    /// A read model that has come further than the log holds what the log has lost. Going on would skip what comes to stand at
    /// those positions, so it stands still until it is rebuilt.
    fn ahead(&self, state: &State, held: &HashSet<String>) -> Vec<Held> {
        let each = self.targets.iter().zip(&state.positions);
        let ahead = each.filter_map(|(target, pos)| {
            let pos = pos.filter(|pos| *pos > state.head && !held.contains(&target.label))?;
            let head = state.head;
            let reason = format!("it is at {pos}, and the log ends at {head}: run `tidings recover`");
            Some(Held {
                label: target.label.clone(),
                reason,
                pos,
                for_newer: false,
            })
        });
        ahead.collect()
    }

    /// The names of those that it folds.
    fn names(&self) -> Vec<&'static str> {
        self.targets
            .iter()
            .map(|target| target.projection.name())
            .collect()
    }

    /// The lock of whoever folds a lane. Programs with other versions of the read models fold them beside these.
    fn leader_lock(&self, lane: u8) -> String {
        let (_, versions) = version::current();
        let versions: Vec<String> = versions.iter().map(i32::to_string).collect();
        let lagging = if self.lags { "lagging." } else { "" };
        format!("tidings.projections.{lagging}lane.{lane}.{}", versions.join("."))
    }

    fn publish(&self, lane: u8, state: &State) {
        let head = (!self.lags).then_some(state.head);
        self.checkpoints
            .publish(lane, head, &self.names(), &state.positions);
        for (target, pos) in self.targets.iter().zip(&state.positions) {
            self.observer.stands(lane, &target.label, state.head, *pos);
        }
    }

    /// Folds the next range into the projections that are furthest behind.
    async fn step(
        &self,
        session: &mut Session,
        lane: u8,
        held: &HashSet<String>,
        pace: Pace,
    ) -> Result<Step, ProjectionError> {
        let kept = self.tail.last(lane);
        let state = self.look(session, lane).await?;
        // The log has lost what this process has committed: other events come to stand there.
        if kept.is_some_and(|kept| (state.epoch, state.head) < (kept.epoch, kept.head)) {
            self.tail.forget(lane);
        }
        let ahead = self.ahead(&state, held);
        if !ahead.is_empty() {
            return Ok(Step::Held(ahead));
        }
        let goal = |target: &Target| {
            if held.contains(&target.label) || self.checkpoints.is_building(&target.label) {
                0
            } else {
                state.head
            }
        };
        let goals: Vec<u64> = self.targets.iter().map(goal).collect();
        let lacking = state.positions.contains(&None);
        let Some(next) = plan(&state.positions, &goals, pace.events()) else {
            return Ok(Step::Idle { lacking });
        };
        let events = match self.tail.range(lane, state.epoch, next.from, next.to) {
            Some(records) => Decoded::all(records),
            None => read(&self.log, lane, next.from, next.to).await?,
        };
        let to = events.last().map_or(next.to, |event| event.record.pos);
        let group: Vec<&Target> = next.group.iter().map(|i| &self.targets[*i]).collect();
        let began = Instant::now();
        match advance(&mut session.client, lane, &group, &events, &*self.observer).await {
            Ok(advanced) if advanced.held.is_empty() => {
                self.observer.folded(lane, began.elapsed());
                let mut positions = state.positions;
                for i in next.group {
                    positions[i] = Some(to);
                }
                let (events, more) = (to - next.from, to < state.head);
                self.publish(lane, &State { positions, ..state });
                Ok(Step::Folded {
                    events,
                    more,
                    lacking,
                })
            }
            Ok(advanced) => {
                for held in &advanced.held {
                    self.checkpoints.hold(lane, &held.label, held.pos);
                }
                Ok(Step::Held(advanced.held))
            }
            Err(Setback::Moved) => Ok(Step::Moved),
            Err(Setback::Failed(error)) => Err(error),
        }
    }
}

impl Stall {
    /// Those that have not moved since it was looked last while others are further, with where they stand. Whoever folds a lane moves all of
    /// them together, but for those that it cannot take past an event: readers are told before this process has met that itself.
    fn left_behind(&self, state: &State) -> Vec<(usize, u64)> {
        let positions = state.positions.iter().copied();
        let furthest = positions.clone().flatten().filter(|pos| *pos <= state.head).max();
        let each = positions.zip(self.last.iter().copied()).enumerate();
        each.filter_map(|(i, (now, last))| Some((i, now.filter(|_| now == last && now < furthest)?)))
            .collect()
    }

    fn is_too_long(&mut self, state: &State) -> bool {
        let behind = state.positions.iter().flatten().any(|pos| *pos < state.head);
        if behind && self.last == state.positions {
            self.looks += 1;
        } else {
            self.begin_again();
            self.last.clone_from(&state.positions);
        }
        self.looks > STALL_LOOKS
    }

    fn begin_again(&mut self) {
        self.looks = 0;
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_while_others_go_on_is_left_behind() {
        let mut stall = Stall::default();
        let mut look = |positions: [Option<u64>; 3]| {
            let state = State {
                head: 9,
                epoch: 1,
                positions: positions.into(),
            };
            let left = stall.left_behind(&state);
            stall.is_too_long(&state);
            left
        };
        assert!(look([Some(3), Some(3), None]).is_empty());
        assert!(look([Some(3), Some(3), None]).is_empty());
        // It may be about to follow.
        assert!(look([Some(5), Some(4), None]).is_empty());
        assert_eq!(look([Some(7), Some(4), None]), [(1, 4)]);
        assert_eq!(look([Some(7), Some(4), None]), [(1, 4)]);
        assert!(look([Some(7), Some(6), None]).is_empty());
        assert!(look([Some(7), Some(7), None]).is_empty());
        // The log has gone back, and one of them has not.
        assert!(look([Some(7), Some(7), Some(12)]).is_empty());
        assert!(look([Some(7), Some(7), Some(12)]).is_empty());
    }
}
