//! Consumers of the log that are no read models: where one is in each lane, what it is told next, and what it has put aside.
//!
//! What such a consumer does with events is done elsewhere, outside the transaction that moves its checkpoint. So it is told an event
//! again where the two came apart, and does what does nothing twice.

use crate::engine::advance::halted;
use crate::engine::pace::Pace;
use crate::engine::parked::Parked;
use crate::engine::range::{heard, read};
use crate::engine::session::{SHORT, Session};
use crate::error::{ProjectionError, within};
use crate::fact::{Decoded, Fact};
use crate::models;
use crate::projection::Folds;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashSet};
use tidings_domain::Event;
use tidings_eventlog::{Log, Pool, Recorded};
use uuid::Uuid;

/// Events that are read at once.
const RANGE: u64 = 4000;
/// Events put aside that are tried again at once.
const AGAIN: i64 = 200;

/// A consumer of the log by name. At most one of all that are connected to the database [owns](Self::own) the name; that saves work and
/// proves nothing, for whoever has lost its session may not know it yet.
pub struct Consumer {
    log: Log,
    name: &'static str,
    /// The read models that it relies on, with their versions.
    needs: (Vec<&'static str>, Vec<i32>),
    session: Session,
    pace: Pace,
}

/// Where a consumer is in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerPlace {
    pub lane: u8,
    /// Events up to here are done with.
    pub pos: u64,
    /// The lane's head, or as far as the read models are that it relies on.
    pub reach: u64,
    /// The lane's time: what is up to its head was appended at or before it. It may be ahead of clocks.
    pub last_at: DateTime<Utc>,
}

/// What a consumer is told next.
#[derive(Debug)]
pub enum Told {
    /// There is nothing that it may be told yet.
    Nothing,
    Portion(Portion),
    /// The next event is of a kind or a version that this program does not know: a newer one is to go on. Says which.
    Newer(String),
}

/// Some events of a lane, in order.
#[derive(Debug)]
pub struct Portion {
    lane: u8,
    /// It ranges from behind this position,
    from: u64,
    /// to this one.
    to: u64,
    events: Vec<(Recorded, Event)>,
    /// What cannot be reacted to, by position.
    aside: BTreeMap<u64, Aside>,
}

/// An event that cannot be reacted to.
#[derive(Debug)]
struct Aside {
    stream: Uuid,
    why: String,
    /// It is to be tried again without being asked for.
    again: bool,
}

impl Portion {
    /// The lane that it is of.
    pub fn lane(&self) -> u8 {
        self.lane
    }

    /// Its last position.
    pub fn to(&self) -> u64 {
        self.to
    }

    /// The events that the consumer listens to and can read.
    pub fn facts(&self) -> Vec<Fact<'_>> {
        let each = self.events.iter();
        each.map(|(record, event)| Fact { record, event }).collect()
    }

    /// When the first event was appended that the consumer listens to, if there is one.
    pub fn begun_at(&self) -> Option<DateTime<Utc>> {
        self.events.first().map(|(record, _)| record.at)
    }

    /// Puts the event at a position aside. It keeps nothing else waiting. With `again` it is tried again soon, some times.
    pub fn put_aside(&mut self, pos: u64, why: String, again: bool) {
        if let Some((record, _)) = self.events.iter().find(|(record, _)| record.pos == pos) {
            let stream = record.stream;
            self.aside.insert(pos, Aside { stream, why, again });
        }
    }

    /// What is put aside of it: positions, and why.
    pub fn aside(&self) -> impl Iterator<Item = (u64, &str)> {
        self.aside.iter().map(|(pos, aside)| (*pos, aside.why.as_str()))
    }
}

impl Consumer {
    /// A consumer with a session of its own, which relies on the read models of these names.
    pub async fn open(
        log: &Log,
        name: &'static str,
        needs: &'static [&'static str],
    ) -> Result<Self, ProjectionError> {
        let needed = |name: &&'static str| models::find(name).map(|model| (model.name(), model.version()));
        Ok(Self {
            log: log.clone(),
            name,
            needs: needs.iter().filter_map(needed).unzip(),
            session: Session::kept(log.pool()).await?,
            pace: Pace::new(RANGE),
        })
    }

    /// Takes the name; `false` where somebody else has it.
    pub async fn own(&self) -> Result<bool, ProjectionError> {
        self.session.try_lock(&self.lock()).await
    }

    /// Gives the name back.
    pub async fn disown(&self) {
        self.session.unlock(&self.lock()).await;
    }

    fn lock(&self) -> String {
        format!("tidings.reactor.{}", self.name)
    }

    /// The time, by the database's clock.
    pub async fn now(&self) -> Result<DateTime<Utc>, ProjectionError> {
        within(SHORT, async {
            let row = self.session.client.query_one("SELECT now()", &[]).await?;
            row.try_get(0)
        })
        .await
    }

    /// Where it is in each lane of the log. Where the log has gone back it goes back with it.
    pub async fn places(&self) -> Result<Vec<ConsumerPlace>, ProjectionError> {
        let client = &self.session.client;
        let (names, versions) = &self.needs;
        within(SHORT, async {
            client
                .execute(include_str!("admin/consumer_lanes.sql"), &[&self.name])
                .await?;
            let back = client
                .execute(include_str!("admin/consumer_back.sql"), &[&self.name])
                .await?;
            if back > 0 {
                tracing::warn!(
                    reactor = self.name,
                    lanes = back,
                    "the log went back, and the reactor with it"
                );
            }
            let sql = include_str!("admin/consumer_places.sql");
            let rows = client.query(sql, &[&self.name, names, versions]).await?;
            let place = |row: &tokio_postgres::Row| {
                Ok(ConsumerPlace {
                    lane: row.try_get::<_, i16>(0)? as u8,
                    pos: row.try_get::<_, i64>(1)? as u64,
                    reach: row.try_get::<_, i64>(2)? as u64,
                    last_at: row.try_get(3)?,
                })
            };
            rows.iter()
                .map(place)
                .collect::<Result<_, tokio_postgres::Error>>()
        })
        .await
    }

    /// The next events of a lane, those of them that it `hears`, appended at or before `due`.
    pub async fn next(
        &mut self,
        place: &ConsumerPlace,
        hears: Folds,
        due: DateTime<Utc>,
    ) -> Result<Told, ProjectionError> {
        if place.pos >= place.reach {
            return Ok(Told::Nothing);
        }
        let upto = place.reach.min(place.pos + self.pace.events());
        let (mut events, mut to) = match heard(&self.log, place.lane, (place.pos, upto), hears, due).await {
            Ok(heard) => heard,
            Err(error) => {
                if error.is_slow_read() {
                    self.pace.slower();
                }
                return Err(error);
            }
        };
        self.pace.faster();
        if let Some((known, reason)) = halted(hears, &events) {
            to = events[known].record.pos - 1;
            if to == place.pos {
                return Ok(Told::Newer(reason));
            }
            events.truncate(known);
        }
        if to == place.pos {
            return Ok(Told::Nothing);
        }
        let portion = self.portion(place.lane, place.pos, to, hears, events).await?;
        Ok(Told::Portion(portion))
    }

    async fn portion(
        &self,
        lane: u8,
        from: u64,
        to: u64,
        hears: Folds,
        events: Vec<Decoded>,
    ) -> Result<Portion, ProjectionError> {
        let events: Vec<Decoded> = events
            .into_iter()
            .filter(|event| hears.has(event.record.kind))
            .collect();
        let streams: HashSet<Uuid> = events.iter().map(|event| event.record.stream).collect();
        let doubtful = self.doubtful(lane, streams.into_iter().collect()).await?;
        let mut portion = Portion {
            lane,
            from,
            to,
            events: vec![],
            aside: BTreeMap::new(),
        };
        for Decoded { record, event } in events {
            let why = match event {
                Ok(_) if doubtful.contains(&record.stream) => {
                    "a read model has put its stream aside".to_owned()
                }
                Ok(event) => {
                    portion.events.push((record, event));
                    continue;
                }
                Err(error) => error.to_string(),
            };
            let (stream, again) = (record.stream, false);
            portion.aside.insert(record.pos, Aside { stream, why, again });
        }
        Ok(portion)
    }

    /// Those of some streams of which the read models that it relies on may say what is not so.
    async fn doubtful(&self, lane: u8, streams: Vec<Uuid>) -> Result<HashSet<Uuid>, ProjectionError> {
        let (names, versions) = &self.needs;
        within(SHORT, async {
            let client = &self.session.client;
            let statement = client.prepare_cached(include_str!("consumer/aside.sql")).await?;
            let rows = client
                .query(&statement, &[&i16::from(lane), names, versions, &streams])
                .await?;
            rows.iter()
                .map(|row| row.try_get(0))
                .collect::<Result<_, tokio_postgres::Error>>()
        })
        .await
    }

    /// Moves its place behind a portion that is done with, and records what was put aside. `false` where somebody else has done so.
    pub async fn advance(&self, portion: &Portion) -> Result<bool, ProjectionError> {
        let positions: Vec<i64> = portion.aside.keys().map(|pos| *pos as i64).collect();
        let aside = || portion.aside.values();
        let streams: Vec<Uuid> = aside().map(|aside| aside.stream).collect();
        let errors: Vec<&str> = aside().map(|aside| aside.why.as_str()).collect();
        let again: Vec<bool> = aside().map(|aside| aside.again).collect();
        let (lane, from, to) = (i16::from(portion.lane), portion.from as i64, portion.to as i64);
        within(SHORT, async {
            let client = &self.session.client;
            let statement = client
                .prepare_cached(include_str!("consumer/advance.sql"))
                .await?;
            let moved = client
                .query_one(
                    &statement,
                    &[
                        &self.name, &lane, &from, &to, &positions, &streams, &errors, &again,
                    ],
                )
                .await?;
            Ok::<_, tokio_postgres::Error>(moved.try_get::<_, i64>(0)? > 0)
        })
        .await
    }

    /// Lanes and positions of some of the events put aside that are to be tried again, because somebody has [asked](retry_reactor) for it or by
    /// themselves.
    pub async fn wanted(&self) -> Result<Vec<(u8, u64)>, ProjectionError> {
        within(SHORT, async {
            let client = &self.session.client;
            let statement = client.prepare_cached(include_str!("consumer/again.sql")).await?;
            let rows = client.query(&statement, &[&self.name, &AGAIN]).await?;
            let place = |row: &tokio_postgres::Row| {
                Ok((row.try_get::<_, i16>(0)? as u8, row.try_get::<_, i64>(1)? as u64))
            };
            rows.iter()
                .map(place)
                .collect::<Result<_, tokio_postgres::Error>>()
        })
        .await
    }

    /// One of those that are [wanted](Self::wanted) again, alone.
    pub async fn again(&self, (lane, pos): (u8, u64), hears: Folds) -> Result<Portion, ProjectionError> {
        let from = pos.saturating_sub(1);
        let events = read(&self.log, lane, from, pos).await?;
        self.portion(lane, from, pos, hears, events).await
    }

    /// Forgets what [`again`](Self::again) gave, where it is not put aside once more.
    pub async fn tried(&self, portion: &Portion) -> Result<(), ProjectionError> {
        let place = (portion.lane, portion.to);
        if let Some(Aside { why, again, .. }) = portion.aside.values().next() {
            return self.noted(place, why, *again, false).await;
        }
        let (lane, pos) = (i16::from(portion.lane), portion.to as i64);
        within(SHORT, async {
            let client = &self.session.client;
            let statement = client.prepare_cached(include_str!("consumer/done.sql")).await?;
            client.execute(&statement, &[&self.name, &lane, &pos]).await
        })
        .await?;
        Ok(())
    }

    /// Takes note that an event that is [wanted](Self::wanted) again could not be tried: it is tried again for as long as that is so, behind the
    /// others.
    pub async fn failed(&self, place: (u8, u64), why: &str) -> Result<(), ProjectionError> {
        self.noted(place, why, true, true).await
    }

    /// Counts an attempt in vain, the last of some unless it is `for_ever`.
    async fn noted(
        &self,
        (lane, pos): (u8, u64),
        why: &str,
        again: bool,
        for_ever: bool,
    ) -> Result<(), ProjectionError> {
        let (lane, pos) = (i16::from(lane), pos as i64);
        within(SHORT, async {
            let client = &self.session.client;
            let statement = client.prepare_cached(include_str!("consumer/tried.sql")).await?;
            client
                .execute(&statement, &[&self.name, &lane, &pos, &why, &again, &for_ever])
                .await
        })
        .await?;
        Ok(())
    }
}

/// The events that reactors have put aside, oldest first, at most `limit`. Each bears the reactor's name for a read model's.
pub async fn reactors_parked(pool: &Pool, limit: u32) -> Result<Vec<Parked>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let sql = include_str!("admin/reactors_parked.sql");
        let rows = client.query(sql, &[&i64::from(limit)]).await?;
        Ok::<_, ProjectionError>(rows.iter().map(Parked::read).collect::<Result<_, _>>()?)
    };
    within(SHORT, reading).await
}

/// Asks that the events be tried again that a reactor has put aside, which its owner does within some seconds. Returns how many.
pub async fn retry_reactor(pool: &Pool, reactor: &str) -> Result<u64, ProjectionError> {
    let sql = "UPDATE reactor_parked SET again = true WHERE reactor = $1";
    let asking = async {
        let client = pool.get().await?;
        Ok::<_, ProjectionError>(client.execute(sql, &[&reactor]).await?)
    };
    within(SHORT, asking).await
}

/// The same for one event. Returns whether it is put aside.
pub async fn retry_reactor_event(
    pool: &Pool,
    reactor: &str,
    lane: u8,
    pos: u64,
) -> Result<bool, ProjectionError> {
    let sql = "UPDATE reactor_parked SET again = true WHERE reactor = $1 AND lane = $2 AND pos = $3";
    let asking = async {
        let client = pool.get().await?;
        let asked = client
            .execute(sql, &[&reactor, &i16::from(lane), &(pos as i64)])
            .await?;
        Ok::<_, ProjectionError>(asked > 0)
    };
    within(SHORT, asking).await
}

/// Gives up an event that a reactor has put aside: it will not be reacted to. Returns whether there was one.
pub async fn skip_reactor(pool: &Pool, reactor: &str, lane: u8, pos: u64) -> Result<bool, ProjectionError> {
    let sql = include_str!("consumer/done.sql");
    let skipping = async {
        let client = pool.get().await?;
        let done = client
            .execute(sql, &[&reactor, &i16::from(lane), &(pos as i64)])
            .await?;
        Ok::<_, ProjectionError>(done > 0)
    };
    within(SHORT, skipping).await
}
