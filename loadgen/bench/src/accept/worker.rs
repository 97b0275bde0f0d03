//! One connection that sends as fast as it is told.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_report::Latencies;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use crate::ledger::{Acked, Seen};
use crate::wire::{Object, Socket, parse};

/// The longest that the last acks and deliveries are waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// How finely throughput is noted.
const SLICE: Duration = Duration::from_millis(250);
/// Unacked messages with which an open loop waits: by then its latency says that it is too fast.
const OPEN_WINDOW: usize = 4_096;
/// As long as most of what people write.
const TEXT: &str =
    "The quick brown fox jumps over the lazy dog, and everybody in the room has seen it do so before.";

/// How fast to send.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// As fast as acks allow with so many unacked.
    Window(usize),
    /// So many a second over all connections, whatever acks do.
    Rate(f64),
}

/// The pace of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnPace {
    window: usize,
    /// Time between two sends, and before the first.
    every: Option<(Duration, Duration)>,
}

impl Pace {
    pub(super) fn of(self, number: usize, count: usize) -> OwnPace {
        match self {
            Self::Window(window) => OwnPace { window, every: None },
            Self::Rate(rate) => {
                let every = Duration::from_secs_f64(count as f64 / rate.max(1.0));
                OwnPace {
                    window: OPEN_WINDOW,
                    every: Some((every, every.mul_f64(number as f64 / count as f64))),
                }
            }
        }
    }
}

/// What a round came to.
pub struct Tally {
    /// From the time at which a message was to be sent.
    pub latencies: Latencies,
    /// Acks of the whole round, those after its end included.
    pub acks_in_all: u64,
    /// When the last of them came, since the start.
    last: Duration,
    slices: Vec<u64>,
}

impl Tally {
    pub(super) fn new(length: Duration) -> Self {
        Self {
            latencies: Latencies::new(),
            acks_in_all: 0,
            last: Duration::ZERO,
            slices: vec![0; (length.as_millis() / SLICE.as_millis()) as usize],
        }
    }

    fn note(&mut self, since_start: Duration, latency: Duration) {
        self.latencies.record(latency);
        self.acks_in_all += 1;
        self.last = self.last.max(since_start);
        if let Some(slice) = self
            .slices
            .get_mut((since_start.as_millis() / SLICE.as_millis()) as usize)
        {
            *slice += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.latencies.merge(&other.latencies);
        self.acks_in_all += other.acks_in_all;
        self.last = self.last.max(other.last);
        self.slices
            .iter_mut()
            .zip(&other.slices)
            .for_each(|(sum, count)| *sum += count);
    }

    /// Acks a second, over the time in which messages were sent; where none came in that, until the last one came.
    pub fn rate(&self) -> f64 {
        let (acks, seconds) = match self.slices.iter().sum::<u64>() {
            0 => (self.acks_in_all, self.last.as_secs_f64().max(SLICE.as_secs_f64())),
            acks => (acks, self.slices.len() as f64 * SLICE.as_secs_f64()),
        };
        acks as f64 / seconds
    }

    /// Acks a second over time.
    pub fn series(&self) -> Vec<(f64, f64)> {
        let point = |(index, count): (usize, &u64)| {
            (
                index as f64 * SLICE.as_secs_f64(),
                *count as f64 / SLICE.as_secs_f64(),
            )
        };
        self.slices.iter().enumerate().map(point).collect()
    }
}

/// A connection and its conversations.
pub(super) struct Worker {
    socket: Socket,
    conversations: Vec<Uuid>,
    turn: usize,
    flights: VecDeque<(Uuid, Instant)>,
    seen: Seen,
    deliveries: u64,
    line: String,
}

impl Worker {
    pub(super) fn new(socket: Socket, conversations: Vec<Uuid>) -> Self {
        Self {
            socket,
            conversations,
            turn: 0,
            flights: VecDeque::new(),
            seen: Seen::default(),
            deliveries: 0,
            line: String::new(),
        }
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Sends from `start` for `length`, then waits for the last ack.
    pub(super) async fn run(
        mut self,
        pace: OwnPace,
        start: Instant,
        length: Duration,
    ) -> Result<(Self, Tally, Acked)> {
        let mut tally = Tally::new(length);
        let mut acked = Acked::default();
        let end = start + length;
        let mut due = pace.every.map(|(_, first)| start + first);
        loop {
            let now = Instant::now();
            while now < end && self.flights.len() < pace.window && due.is_none_or(|due| due <= now) {
                self.send(due.unwrap_or(now));
                due = due.zip(pace.every).map(|(due, (every, _))| due + every);
            }
            self.socket.flush().await?;
            if now >= end && self.flights.is_empty() {
                return Ok((self, tally, acked));
            }
            if now >= end + PATIENCE {
                bail!("{} messages were not acked", self.flights.len());
            }
            let waking = due
                .filter(|_| now < end && self.flights.len() < pace.window)
                .unwrap_or(end + PATIENCE)
                .max(now);
            tokio::select! {
                ready = self.socket.readable() => {
                    ready?;
                    self.read(Some((&mut tally, &mut acked, start)))?;
                }
                () = sleep_until(waking) => {}
            }
        }
    }

    fn send(&mut self, due: Instant) {
        use std::fmt::Write as _;
        let id = Uuid::now_v7();
        let conversation = self.conversations[self.turn % self.conversations.len()];
        self.turn += 1;
        self.line.clear();
        // Writing to a String cannot fail.
        let _ = write!(
            self.line,
            r#"{{"type":"message.send","id":"{id}","conversation":"{conversation}","content":{{"kind":"text","text":"{TEXT}"}}}}"#
        );
        self.socket.queue(self.line.as_bytes());
        self.flights.push_back((id, due));
    }

    fn read(&mut self, mut noted: Option<(&mut Tally, &mut Acked, Instant)>) -> Result<()> {
        let Self {
            socket,
            flights,
            seen,
            deliveries,
            ..
        } = self;
        let mut wrong = None;
        socket.read(|object| match parse(object) {
            Object::Ack {
                id,
                conversation,
                seq,
            } => {
                let flight = flights.iter().position(|(flying, _)| *flying == id);
                let due = flight.and_then(|index| flights.remove(index));
                match (due, &mut noted) {
                    (Some((_, due)), Some((tally, acked, start))) => {
                        let now = Instant::now();
                        tally.note(now - *start, now - due);
                        acked.note(conversation, seq, id);
                    }
                    _ => wrong = Some("an ack for what was not sent".to_owned()),
                }
            }
            Object::Event {
                conversation,
                seq,
                message: Some(message),
            } => {
                *deliveries += 1;
                if let Err(error) = seen.take(conversation, seq, message) {
                    wrong = Some(format!("{conversation}: {error}"));
                }
            }
            Object::Error { text } => wrong = Some(text),
            Object::Event { message: None, .. } | Object::Other => {}
        })?;
        match wrong {
            None => Ok(()),
            Some(wrong) => bail!(wrong),
        }
    }

    /// Reads until all that was acked has come.
    pub(super) async fn read_to(&mut self, acked: &Acked) -> Result<()> {
        let heads: Vec<(Uuid, u64)> = self
            .conversations
            .iter()
            .map(|conversation| (*conversation, acked.head(*conversation)))
            .collect();
        let reading = async {
            while heads
                .iter()
                .any(|(conversation, head)| self.seen.last(*conversation) < *head)
            {
                self.socket.readable().await?;
                self.read(None)?;
                self.socket.flush().await?;
            }
            Ok(())
        };
        timeout(PATIENCE, reading)
            .await
            .context("deliveries are missing")?
    }
}
