//! The append path alone, in a closed loop.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use rand::RngExt as _;
use tidings_eventlog::{Appender, Batch, Outcome};
use tidings_report::{Latencies, Report};
use tidings_stand::Stand;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::meter::{Meter, Rounds};
use crate::scratch::{LANES, STREAMS, Scratch, all, lane_of, message, payload, streams};
use crate::within;

/// What a lane puts into one batch at most.
const BATCH_MAX: usize = 1_000;

/// What the append path did.
pub struct AppendLoop {
    /// Events that wait for their answer at any time.
    pub outstanding: usize,
    pub events_per_s: Vec<f64>,
    /// From queueing to answer.
    pub latencies: Latencies,
    /// Events of a batch, on average.
    pub batch: f64,
    /// All events, also those of the warm-up. So many are in the table.
    pub written: u64,
}

impl AppendLoop {
    pub fn name(&self) -> String {
        format!("append path, {} outstanding", self.outstanding)
    }

    pub fn report(&self, report: &mut Report) {
        report.figure(&self.name(), "events/s", &self.events_per_s);
        report.latencies(&self.name(), &self.latencies);
        report.note(format!("{}: {:.1} events a batch", self.name(), self.batch));
    }
}

/// Appends events to 1,000 streams on 4 lanes over 2 connections. Whenever one is durable, another one for a stream by
/// chance is queued. A lane sends what has queued during its last call, up to 1,000.
pub async fn append_loop(stand: &Stand, outstanding: usize, rounds: &Rounds) -> Result<AppendLoop> {
    let log = Scratch::make(stand).await?;
    let appender = Arc::new(Appender::new(log.config.clone()));
    within("opening appenders", appender.warm()).await?;

    let ids = Arc::new(streams());
    // No more than this is ever on its way, so no queue is ever full.
    let (entries, queues): (Vec<_>, Vec<_>) = (0..LANES).map(|_| mpsc::channel(outstanding.max(1))).unzip();
    let doors = Doors { ids, entries };
    for _ in 0..outstanding {
        doors.queue()?;
    }
    let meter = Meter::start(rounds);
    let mut lanes = JoinSet::new();
    for (number, queue) in (0..LANES).zip(queues) {
        let lane = Lane {
            number,
            queue,
            doors: doors.clone(),
            appender: Arc::clone(&appender),
            payload: payload(),
            meter: meter.clone(),
            latencies: Latencies::new(),
            batches: 0,
        };
        lanes.spawn(lane.run());
    }
    let (mut sum, mut latencies, mut batches) = (meter, Latencies::new(), 0);
    for lane in all(lanes).await? {
        sum += &lane.meter;
        latencies.merge(&lane.latencies);
        batches += lane.batches;
    }
    drop(appender);
    log.verify_and_remove(stand, sum.total()).await?;
    Ok(AppendLoop {
        outstanding,
        events_per_s: sum.rates(),
        latencies,
        batch: sum.total() as f64 / batches.max(1) as f64,
        written: sum.total(),
    })
}

/// An event that is not durable yet.
struct Waiting {
    stream: Uuid,
    since: Instant,
}

/// The ways into all lanes.
#[derive(Clone)]
struct Doors {
    ids: Arc<Vec<Uuid>>,
    entries: Vec<mpsc::Sender<Waiting>>,
}

impl Doors {
    fn queue(&self) -> Result<()> {
        let stream = self.ids[rand::rng().random_range(..STREAMS)];
        let since = Instant::now();
        self.entries[usize::from(lane_of(stream))]
            .try_send(Waiting { stream, since })
            .ok()
            .context("a lane has ended")
    }
}

struct Lane {
    number: u8,
    queue: mpsc::Receiver<Waiting>,
    doors: Doors,
    appender: Arc<Appender>,
    payload: Bytes,
    meter: Meter,
    latencies: Latencies,
    batches: u64,
}

impl Lane {
    async fn run(mut self) -> Result<Self> {
        let mut waiting = Vec::with_capacity(BATCH_MAX);
        while !self.meter.is_over() {
            let received = timeout_at(self.meter.end(), self.queue.recv_many(&mut waiting, BATCH_MAX)).await;
            if received.is_err() {
                break;
            }
            self.append(&waiting).await?;
            let now = Instant::now();
            self.meter.add(now, waiting.len());
            self.batches += 1;
            for event in waiting.drain(..) {
                if self.meter.round(now).is_some() {
                    self.latencies.record(now - event.since);
                }
                // Lanes end one after the other; what would go to one that has ended is not needed any more.
                if !self.meter.is_over() {
                    self.doors.queue()?;
                }
            }
        }
        Ok(self)
    }

    async fn append(&self, waiting: &[Waiting]) -> Result<()> {
        let mut batch = Batch::new(self.number);
        for event in waiting {
            batch.push(&message(event.stream, &self.payload));
        }
        match self.appender.append(&batch).await? {
            Outcome::Appended(appended) => {
                ensure!(
                    appended.events.len() == waiting.len(),
                    "a batch came back in part"
                );
                Ok(())
            }
            Outcome::Refused { .. } | Outcome::OtherTimeLine(_) => bail!("the log refused new commands"),
        }
    }
}
