//! The least that a durable message can take: there and back over a socket, and one commit.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_eventlog::{Appender, Batch, Outcome};
use tidings_report::{Latencies, Report, millis};
use tidings_stand::Stand;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::meter::{Meter, Rounds};
use crate::scratch::{Scratch, message, payload, streams};
use crate::within;

/// Bytes of the message.
const MESSAGE: usize = 250;
/// The kernel wakes a sleeper about so late; the rest of the wait is spun.
const SPIN: Duration = Duration::from_micros(80);

/// What echo and commit took.
pub struct EchoAndCommit {
    pub rate: f64,
    pub rounds: Vec<Times>,
    /// Messages, also those of the warm-up. So many events are in the table.
    pub written: u64,
}

/// Latencies of both, and of one after the other from when the message was due.
#[derive(Clone, Default)]
pub struct Times {
    /// From when the message was due.
    pub echo: Latencies,
    pub commit: Latencies,
    pub both: Latencies,
}

impl EchoAndCommit {
    /// All rounds together.
    pub fn all(&self) -> Times {
        let mut sum = Times::default();
        for times in &self.rounds {
            sum.echo.merge(&times.echo);
            sum.commit.merge(&times.commit);
            sum.both.merge(&times.both);
        }
        sum
    }

    /// A quantile of both in each round, in milliseconds.
    pub fn both_ms(&self, quantile: f64) -> Vec<f64> {
        let rounds = self.rounds.iter();
        rounds
            .map(|times| millis(times.both.quantile(quantile)))
            .collect()
    }

    pub fn name(&self) -> String {
        format!("echo and one commit at {}/s", self.rate)
    }

    pub fn report(&self, report: &mut Report) {
        report.figure(&format!("{}, p50", self.name()), "ms", &self.both_ms(0.5));
        report.figure(&format!("{}, p99", self.name()), "ms", &self.both_ms(0.99));
        let all = self.all();
        report.latencies(&format!("echo alone at {}/s", self.rate), &all.echo);
        report.latencies(&format!("one commit alone at {}/s", self.rate), &all.commit);
        report.latencies(&self.name(), &all.both);
    }
}

/// Sends a message to an echo over plain TCP and, when it is back, commits one event: `rate` times a second, whether or not
/// the last one is done.
pub async fn echo_and_commit(stand: &Stand, rate: f64, rounds: &Rounds) -> Result<EchoAndCommit> {
    let mut echo = Echo::open(stand).await?;
    let rounds = echo.run(rate, rounds).await?;
    let written = echo.close(stand).await?;
    Ok(EchoAndCommit {
        rate,
        rounds,
        written,
    })
}

/// The same for those who measure something else in turn with it: its log and its socket stay open meanwhile.
pub struct Echo {
    log: Scratch,
    appender: Appender,
    incoming: OwnedReadHalf,
    outgoing: Arc<OwnedWriteHalf>,
    /// The far end; aborted when this is dropped.
    _echoing: JoinSet<io::Result<()>>,
    written: u64,
}

impl Echo {
    /// Opens a log of its own and a socket to an echo.
    pub async fn open(stand: &Stand) -> Result<Self> {
        let log = Scratch::make(stand).await?;
        let appender = Appender::new(log.config.clone());
        within("opening appenders", appender.warm()).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
        let (near, (far, _)) = (near?, far?);
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let mut echoing = JoinSet::new();
        echoing.spawn(echo(far));
        let (incoming, outgoing) = near.into_split();
        Ok(Self {
            log,
            appender,
            incoming,
            outgoing: Arc::new(outgoing),
            _echoing: echoing,
            written: 0,
        })
    }

    /// Times the messages of each round.
    pub async fn run(&mut self, rate: f64, rounds: &Rounds) -> Result<Vec<Times>> {
        self.outgoing.writable().await?;
        let meter = Meter::start(rounds);
        let start = meter.begun();
        let count = (meter.end().duration_since(start).as_secs_f64() * rate).round() as u32;
        let due = move |number: u32| start + Duration::from_secs_f64(f64::from(number) / rate);
        // It ends after the last message, or when its socket does.
        let outgoing = Arc::clone(&self.outgoing);
        let sending = tokio::task::spawn_blocking(move || send(&outgoing, count, due));

        let mut times = vec![Times::default(); rounds.count];
        let (stream, payload) = (streams()[0], payload());
        let mut message_back = [0; MESSAGE];
        for number in 0..count {
            within("the echo", self.incoming.read_exact(&mut message_back)).await?;
            let echoed = Instant::now();
            let mut batch = Batch::new(0);
            batch.push(&message(stream, &payload));
            let Outcome::Appended(_) = self.appender.append(&batch).await? else {
                bail!("the log refused a new command");
            };
            let committed = Instant::now();
            if let Some(round) = meter.round(due(number)) {
                times[round].echo.record(echoed - due(number));
                times[round].commit.record(committed - echoed);
                times[round].both.record(committed - due(number));
            }
        }
        sending.await??;
        self.written += u64::from(count);
        Ok(times)
    }

    /// Events written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Sees that the log holds what was written, and removes it. Returns how many events that were.
    pub async fn close(self, stand: &Stand) -> Result<u64> {
        drop(self.appender);
        self.log.verify_and_remove(stand, self.written).await?;
        Ok(self.written)
    }
}

/// Sends each message when it is due. A thread of its own, because the runtime's timers are a millisecond coarse and a
/// second task would add its wake-up to what is measured.
fn send(socket: &OwnedWriteHalf, count: u32, due: impl Fn(u32) -> Instant) -> Result<()> {
    let message = [b'x'; MESSAGE];
    for number in 0..count {
        loop {
            let left = due(number).saturating_duration_since(Instant::now());
            match left.checked_sub(SPIN) {
                Some(sleep) => thread::sleep(sleep),
                None if left.is_zero() => break,
                None => std::hint::spin_loop(),
            }
        }
        let sent = socket
            .try_write(&message)
            .context("the echo takes no more messages")?;
        if sent < MESSAGE {
            bail!("the echo took a message in part");
        }
    }
    Ok(())
}

async fn echo(mut socket: TcpStream) -> io::Result<()> {
    let mut message = [0; MESSAGE];
    loop {
        socket.read_exact(&mut message).await?;
        socket.write_all(&message).await?;
    }
}
