//! The task of a reactor: owns its name among all nodes, or waits for it, and takes it through the lanes.

use super::Reactor;
use super::commands::{Attempt, Commands, Later};
use super::due::Dues;
use crate::clock;
use crate::lanes::Lanes;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;
use tidings_eventlog::Log;
use tidings_projections::{Consumer, ConsumerPlace, Portion, Told};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How often a node looks whether it may own the reactor, whether its session is alive, and what is to be tried again.
const LOOK: Duration = Duration::from_secs(5);
/// How long it waits after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an owner that must leave an event to a newer program lets others be first.
const CEDE: Duration = Duration::from_secs(15);

/// After so many attempts at the same events, those are put aside whose commands are not taken, however many.
const ATTEMPTS: u32 = 5;

/// Whoever runs a reactor on this node.
pub(super) struct Owner<R> {
    log: Log,
    log_id: Uuid,
    lanes: Lanes,
    reactor: R,
}

/// How often one behind the other a lane could not be brought to its end.
type Failures = BTreeMap<u8, u32>;

/// What came of a look at all lanes.
#[derive(Default)]
struct Round {
    /// A lane could not be brought to its end.
    failed: bool,
    /// A lane stands before an event of a newer program.
    for_newer: bool,
}

impl<R: Reactor> Owner<R> {
    pub(super) fn new(log: Log, log_id: Uuid, lanes: Lanes, reactor: R) -> Self {
        Self {
            log,
            log_id,
            lanes,
            reactor,
        }
    }

    /// Goes on for ever; dropped, it leaves what is not done to the next owner.
    pub(super) async fn run(self) {
        let mut dues = Dues::new(self.reactor.delay());
        loop {
            let Err(error) = self.serve(&mut dues).await;
            self.failed(&error);
            sleep(PAUSE).await;
        }
    }

    fn failed(&self, error: &Later) {
        let reactor = self.reactor.name();
        metrics::counter!("tidings_reactor_failures_total", "reactor" => reactor).increment(1);
        tracing::warn!(reactor, %error, "a reactor tries again");
    }

    async fn serve(&self, dues: &mut Dues) -> Result<Infallible, Later> {
        let (name, needs) = (self.reactor.name(), self.reactor.needs());
        let mut consumer = Consumer::open(&self.log, name, needs).await?;
        let look = LOOK.min(self.reactor.every());
        let mut failures = Failures::new();
        loop {
            while !consumer.own().await? {
                sleep(LOOK).await;
            }
            tracing::info!(reactor = name, "this node runs the reactor");
            let mut looked: Option<Instant> = None;
            loop {
                // Where the session is lost, and the name with it, this finds out.
                self.try_again(&consumer, dues).await?;
                if looked.is_none_or(|at| at.elapsed() >= self.reactor.every()) {
                    let round = self.round(&mut consumer, dues, &mut failures).await?;
                    if round.for_newer {
                        break;
                    }
                    looked = (!round.failed).then(Instant::now);
                }
                sleep(look).await;
            }
            consumer.disown().await;
            sleep(CEDE).await;
        }
    }

    /// Takes the reactor through all lanes, as far as it may go now.
    async fn round(
        &self,
        consumer: &mut Consumer,
        dues: &mut Dues,
        failures: &mut Failures,
    ) -> Result<Round, Later> {
        let (mut round, time) = (Round::default(), Self::time(consumer).await?);
        for place in consumer.places().await? {
            let now = (time, Instant::now());
            let Some(due) = dues.of(place.lane, place.last_at, now) else {
                continue;
            };
            let stubborn = failures.get(&place.lane).is_some_and(|times| *times >= ATTEMPTS);
            let attempt = if stubborn {
                Attempt::Stubborn
            } else {
                Attempt::InOrder
            };
            let held = match self.lane(consumer, place, due, attempt).await {
                Ok(held) => {
                    failures.remove(&place.lane);
                    held
                }
                // One lane that cannot be written keeps nobody else's waiting.
                Err(error) => {
                    self.failed(&error);
                    *failures.entry(place.lane).or_default() += 1;
                    round.failed = true;
                    continue;
                }
            };
            round.for_newer |= held;
            metrics::gauge!("tidings_reactor_held", "reactor" => self.reactor.name(), "lane" => place.lane.to_string())
                .set(f64::from(u8::from(held)));
        }
        Ok(round)
    }

    /// The time by which events are due: that of the database, as the log's is, or of this node, whichever is behind. Where one of the clocks is
    /// ahead, nothing is done before its time.
    async fn time(consumer: &Consumer) -> Result<DateTime<Utc>, Later> {
        Ok(consumer.now().await?.min(clock::now()))
    }

    /// Takes the reactor through a lane, as far as was appended at or before `due`. Returns whether the next event is one for a newer program.
    async fn lane(
        &self,
        consumer: &mut Consumer,
        mut place: ConsumerPlace,
        due: DateTime<Utc>,
        attempt: Attempt,
    ) -> Result<bool, Later> {
        loop {
            let begun = Instant::now();
            match consumer.next(&place, self.reactor.hears(), due).await? {
                Told::Nothing => {
                    self.lags(place.lane, 0);
                    return Ok(false);
                }
                Told::Newer(reason) => {
                    let (reactor, lane) = (self.reactor.name(), place.lane);
                    tracing::error!(
                        reactor,
                        lane,
                        reason,
                        "a reactor waits for a newer version of this program"
                    );
                    return Ok(true);
                }
                Told::Portion(mut portion) => {
                    let late = portion.begun_at().map_or(0, |at| (due - at).num_seconds());
                    self.lags(place.lane, late);
                    self.react(&mut portion, due, attempt).await?;
                    if !consumer.advance(&portion).await? {
                        // Somebody else was here, and knows how far it has come.
                        return Ok(false);
                    }
                    self.tell_aside(&portion);
                    place.pos = portion.to();
                    // However far behind it is, it leaves the database to others half of the time.
                    sleep(begun.elapsed()).await;
                }
            }
        }
    }

    async fn react(&self, portion: &mut Portion, due: DateTime<Utc>, attempt: Attempt) -> Result<(), Later> {
        let mut commands = Commands::new(&self.lanes, self.log_id, self.reactor.name(), attempt);
        let facts = portion.facts();
        if !facts.is_empty() {
            self.reactor.react(&facts, due, &mut commands).await?;
        }
        for (pos, (why, again)) in commands.finish().await? {
            portion.put_aside(pos, why, again);
        }
        Ok(())
    }

    /// Tries what was put aside and is wanted again, for as long as it takes to look for more.
    async fn try_again(&self, consumer: &Consumer, dues: &Dues) -> Result<(), Later> {
        let wanted = consumer.wanted().await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let by_clock = dues.by_clock(Self::time(consumer).await?);
        let begun = Instant::now();
        for place in wanted {
            match self.try_one(consumer, place, by_clock).await {
                Ok(()) => {}
                // What is waited for with all others is no fault of the event's.
                Err(Later::Behind) => return Ok(()),
                // It keeps nobody waiting. Where the session is lost, it cannot be noted either.
                Err(error) => {
                    self.failed(&error);
                    consumer.failed(place, &error.to_string()).await?;
                }
            }
            if begun.elapsed() >= LOOK {
                break;
            }
        }
        Ok(())
    }

    /// Tries an event that was put aside.
    async fn try_one(
        &self,
        consumer: &Consumer,
        place: (u8, u64),
        by_clock: Option<DateTime<Utc>>,
    ) -> Result<(), Later> {
        let mut portion = consumer.again(place, self.reactor.hears()).await?;
        // It was due when it was put aside.
        let Some(due) = by_clock.max(portion.begun_at()) else {
            return Ok(());
        };
        self.react(&mut portion, due, Attempt::Alone).await?;
        Ok(consumer.tried(&portion).await?)
    }

    /// Says how long ago the event was due that comes next in a lane.
    fn lags(&self, lane: u8, seconds: i64) {
        metrics::gauge!("tidings_reactor_lag_seconds", "reactor" => self.reactor.name(), "lane" => lane.to_string())
            .set(seconds.max(0) as f64);
    }

    fn tell_aside(&self, portion: &Portion) {
        let reactor = self.reactor.name();
        for (pos, why) in portion.aside() {
            metrics::counter!("tidings_reactor_parked_total", "reactor" => reactor).increment(1);
            tracing::error!(reactor, lane = portion.lane(), pos, why, "an event was put aside");
        }
    }
}
