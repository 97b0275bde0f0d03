//! How far each live projection has come, as last seen by this process, for readers that must not read too early.

use crate::engine::wake::Wake;
use crate::models;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use thiserror::Error;
use tidings_eventlog::Position;
use tokio::sync::{Notify, watch};

/// Positions of the live projections. Cheap to clone. The runner of each lane keeps them current.
#[derive(Clone, Debug)]
pub struct Checkpoints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// One for each lane that a log can have, made when it is first asked for.
    lanes: Vec<OnceLock<Lane>>,
    /// Read models that are being built: nobody may read them yet.
    building: watch::Sender<Vec<&'static str>>,
    /// Those of them that were built and are refused, each with the reason.
    refused: RwLock<Vec<(&'static str, String)>>,
    /// Some read model has met an event that only a newer program can fold.
    has_held: AtomicBool,
    wake: Wake,
}

#[derive(Debug, Default)]
struct Lane {
    /// This process runs it. One that it does not may have been added by somebody a moment ago.
    runs: AtomicBool,
    head: AtomicU64,
    /// How many wait for a position of this lane.
    waiting: AtomicUsize,
    asked: Notify,
    /// One per projection, in the order of their names.
    positions: Vec<watch::Sender<u64>>,
    /// Where each met an event that only a newer program can fold; 0 where none did.
    held: Vec<AtomicU64>,
}

/// A projection did not come far enough in time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the projection {projection} is at {at} and did not pass {wanted} in time")]
pub struct Lagging {
    pub projection: &'static str,
    pub wanted: Position,
    /// How far it had come in that lane.
    pub at: u64,
}

/// How far a projection is behind a lane's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    pub projection: &'static str,
    pub lane: u8,
    pub head: u64,
    pub pos: u64,
    /// It is being built, so nobody reads it yet.
    pub building: bool,
}

impl Lag {
    /// Events that are not in the projection yet.
    pub fn events(&self) -> u64 {
        self.head.saturating_sub(self.pos)
    }
}

impl Checkpoints {
    pub(crate) fn new(lanes: usize, wake: Wake) -> Self {
        let checkpoints = Self(Arc::new(Inner {
            lanes: (0..256).map(|_| OnceLock::new()).collect(),
            building: watch::Sender::new(vec![]),
            refused: RwLock::default(),
            has_held: AtomicBool::new(false),
            wake,
        }));
        for lane in 0..lanes.min(256) {
            checkpoints.add(lane as u8);
        }
        checkpoints
    }

    /// Begins to follow a lane.
    pub(crate) fn add(&self, lane: u8) {
        if let Some(lane) = self.lane(lane) {
            lane.runs.store(true, Ordering::Relaxed);
        }
    }

    /// Whether this process runs a lane.
    pub fn runs(&self, lane: u8) -> bool {
        let lane = self.0.lanes.get(usize::from(lane)).and_then(OnceLock::get);
        lane.is_some_and(|lane| lane.runs.load(Ordering::Relaxed))
    }

    fn lane(&self, lane: u8) -> Option<&Lane> {
        let make = || Lane {
            positions: models::all().map(|_| watch::Sender::new(0)).into(),
            held: models::all().map(|_| AtomicU64::new(0)).into(),
            ..Lane::default()
        };
        Some(self.0.lanes.get(usize::from(lane))?.get_or_init(make))
    }

    /// Read models that are being built.
    pub fn building(&self) -> Vec<&'static str> {
        self.0.building.borrow().clone()
    }

    /// Read models that were built and found not to be what the log says, each with the reason. Nobody may read them either.
    pub fn refused(&self) -> Vec<(&'static str, String)> {
        let refused = self.0.refused.read();
        refused.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_refused(&self, refused: Vec<(&'static str, String)>) {
        *self.0.refused.write().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    pub(crate) fn set_building(&self, names: &[&'static str]) {
        self.0.building.send_if_modified(|building| {
            let changed = building != names;
            *building = names.to_vec();
            changed
        });
    }

    pub(crate) fn is_building(&self, name: &str) -> bool {
        self.0.building.borrow().contains(&name)
    }

    /// Waits until none of the read models of these names is being built.
    pub async fn built(&self, names: &[&str]) {
        if self.0.building.borrow().is_empty() {
            return;
        }
        let none = |building: &Vec<&str>| !building.iter().any(|name| names.contains(name));
        // The sender lives as long as `self`, so this cannot end early.
        let _ = self.0.building.subscribe().wait_for(none).await;
    }

    /// A read model stands before an event at `pos` that it cannot fold: only a newer program can, or its tables are not as they should be.
    pub(crate) fn hold(&self, lane: u8, name: &str, pos: u64) {
        let lane = self.lane(lane).map(|lane| lane.held.iter().zip(models::names()));
        let of_name = lane.into_iter().flatten().filter(|(_, each)| *each == name);
        for (held, _) in of_name {
            held.store(pos, Ordering::Relaxed);
            self.0.has_held.store(true, Ordering::Relaxed);
        }
    }

    /// Waits while one of the read models of these names lacks what it could not fold, in whatever lane, while others go on: that may be
    /// that words were taken back, or that somebody is no member any more. It ends when that is folded.
    pub async fn released(&self, names: &[&str]) {
        if !self.0.has_held.load(Ordering::Relaxed) {
            return;
        }
        for lane in self.0.lanes.iter().filter_map(OnceLock::get) {
            let of_each = models::names().into_iter().zip(&lane.held).zip(&lane.positions);
            for ((_, held), passed) in of_each.filter(|((name, _), _)| names.contains(name)) {
                let held = held.load(Ordering::Relaxed);
                // A log that has gone back may not have that event any more.
                let is_past = |pos: u64| pos >= held || lane.head.load(Ordering::Relaxed) < held;
                // The sender lives as long as `self`, so this cannot end early.
                let _ = passed.subscribe().wait_for(|pos| is_past(*pos)).await;
            }
        }
    }

    /// Waits until every live projection that does not [lag](crate::Projection::lags) is said to have come to `position`. What is still
    /// being built is none.
    ///
    /// That is when to look, and no proof: what was folded last is lost when the database crashes. Whoever must be certain
    /// reads the checkpoints in the same snapshot as the rows, as [`memberships`](crate::memberships) does.
    pub async fn passed(&self, position: Position, timeout: Duration) -> Result<(), Lagging> {
        let building = self.building();
        let live: Vec<&str> = models::prompt()
            .into_iter()
            .filter(|name| !building.contains(name))
            .collect();
        self.passed_by(&live, position, timeout).await
    }

    /// The same for the projections of these names.
    pub async fn passed_by(
        &self,
        names: &[&str],
        position: Position,
        timeout: Duration,
    ) -> Result<(), Lagging> {
        let Some(lane) = self.lane(position.lane) else {
            return Err(Lagging {
                projection: models::names()[0],
                wanted: position,
                at: 0,
            });
        };
        if lane.behind(names, position).is_none() {
            return Ok(());
        }
        let _waiting = Waiting::begin(lane);
        self.0.wake.lane(position.lane);
        let all = async {
            for (_, passed) in lane.of(names) {
                // The sender lives as long as `self`, so this cannot end early.
                let _ = passed.subscribe().wait_for(|pos| *pos >= position.pos).await;
            }
        };
        match tokio::time::timeout(timeout, all).await {
            Ok(()) => Ok(()),
            Err(_) => lane.behind(names, position).map_or(Ok(()), Err),
        }
    }

    /// How far each projection is behind in each lane.
    pub fn lag(&self) -> Vec<Lag> {
        let lanes = self.0.lanes.iter().enumerate();
        lanes
            .filter_map(|(number, lane)| Some((number, lane.get()?)))
            .filter(|(_, lane)| lane.runs.load(Ordering::Relaxed))
            .flat_map(|(number, lane)| {
                let head = lane.head.load(Ordering::Relaxed);
                models::names()
                    .into_iter()
                    .zip(&lane.positions)
                    .map(move |(projection, pos)| Lag {
                        projection,
                        lane: number as u8,
                        head,
                        pos: *pos.borrow(),
                        building: self.is_building(projection),
                    })
            })
            .collect()
    }

    /// Takes what the database says about the live projections of these names, and about the lane's head where whoever asked is the
    /// one to tell it: of two who ask, the slower one may have the older answer.
    pub(crate) fn publish(
        &self,
        lane: u8,
        head: Option<u64>,
        names: &[&'static str],
        positions: &[Option<u64>],
    ) {
        let Some(lane) = self.lane(lane) else {
            return;
        };
        if let Some(head) = head {
            lane.head.store(head, Ordering::Relaxed);
        }
        for (name, pos) in names.iter().zip(positions) {
            let pos = pos.unwrap_or(0);
            for (_, sender) in lane.of(&[name]) {
                sender.send_if_modified(|seen| std::mem::replace(seen, pos) != pos);
            }
        }
    }

    /// Forgets how far the projections of these names are in a lane: nobody has asked the database since it was lost.
    pub(crate) fn forget(&self, lane: u8, names: &[&'static str]) {
        for (_, sender) in self.lane(lane).iter().flat_map(|lane| lane.of(names)) {
            sender.send_replace(0);
        }
    }

    /// Whether somebody waits for a position of this lane.
    pub(crate) fn is_awaited(&self, lane: u8) -> bool {
        self.lane(lane)
            .is_some_and(|lane| lane.waiting.load(Ordering::Relaxed) > 0)
    }

    /// Waits until somebody begins to wait for a position of this lane.
    pub(crate) async fn asked(&self, lane: u8) {
        match self.lane(lane) {
            Some(lane) => lane.asked.notified().await,
            None => std::future::pending().await,
        }
    }
}

impl Lane {
    fn of<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (&'static str, &'a watch::Sender<u64>)> {
        let each = models::names().into_iter().zip(&self.positions);
        each.filter(|(projection, _)| names.contains(projection))
    }

    fn behind(&self, names: &[&str], wanted: Position) -> Option<Lagging> {
        self.of(names).find_map(|(projection, pos)| {
            let at = *pos.borrow();
            (at < wanted.pos).then_some(Lagging {
                projection,
                wanted,
                at,
            })
        })
    }
}

/// Counts a waiter for as long as it waits.
struct Waiting<'a>(&'a Lane);

impl<'a> Waiting<'a> {
    fn begin(lane: &'a Lane) -> Self {
        lane.waiting.fetch_add(1, Ordering::Relaxed);
        lane.asked.notify_one();
        Self(lane)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
