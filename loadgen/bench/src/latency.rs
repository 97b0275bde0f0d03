//! `latency`: how long a message takes to its ack and to its recipient when there is little to do.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tidings_ceilings::{Echo, EchoAndCommit, EchoTimes, Rounds};
use tidings_report::{Aim, Latencies, Progress, Report, millis};
use tidings_stand::{Node, Stand};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout_at;
use uuid::Uuid;

use crate::ledger::{Acked, Seen};
use crate::pacer::Pacer;
use crate::people::{self, command, connect};
use crate::setting::{Setting, at_least_one};
use crate::wire::{Object, Socket, parse};

/// The longest that the last acks and deliveries are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest that something may go on meanwhile.
const MEANWHILE: Duration = Duration::from_mins(3);
/// Of each round, what is not counted.
const WARM_UP: Duration = Duration::from_secs(1);
/// Commits one after the other may take longer than the time between two at a higher rate.
const ALONE_MAX: f64 = 200.0;

#[derive(clap::Args)]
pub struct Args {
    /// Pairs of people that write to each other.
    #[arg(long, default_value_t = 20)]
    pairs: usize,
    /// Messages a second over all pairs; may be given several times.
    #[arg(long = "rate", default_values_t = [100.0, 1_000.0])]
    rates: Vec<f64>,
    /// Many short ones, since what they stand beside is measured in turn with them, and a shared machine drifts.
    #[arg(long, default_value_t = 9, value_parser = at_least_one::<usize>)]
    rounds: usize,
    /// Of each round.
    #[arg(long, default_value_t = 2, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let measuring = async |stand: &Stand, report: &mut Report| measure(stand, &args, report).await;
    args.setting.report("latency", measuring).await
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let length = Duration::from_secs(args.seconds);
    let alone = args.rates.iter().filter(|rate| **rate <= ALONE_MAX).count();
    let steps = args.rounds * (args.rates.len() + alone);
    let progress = Progress::new("latency", steps as u64);
    let mut pairs = Pairs::gather(node, node, args.pairs).await?;
    let mut messages = 0;
    let mut echo = Echo::open(stand).await?;
    for rate in &args.rates {
        let (mut rounds, mut alone) = (vec![], vec![]);
        for round in 1..=args.rounds {
            // In turn, each first every other time, so that a machine that is slow for a while is slow for both.
            for messages_now in [round % 2 == 1, round % 2 == 0] {
                if messages_now {
                    progress.step(&format!("{rate} messages a second, round {round}"));
                    rounds.push(pairs.round(*rate, length).await?);
                } else if *rate <= ALONE_MAX {
                    progress.step(&format!("echo and one commit, round {round}"));
                    alone.extend(echo.run(*rate, &Rounds::of(1, length)).await?);
                }
            }
        }
        messages += rounds.iter().map(|times| times.messages).sum::<usize>();
        report_rate(*rate, &rounds, alone, report);
    }
    echo.close(stand).await?;
    report.note(format!(
        "checker: PASS, {messages} messages, each acked and delivered once, in order"
    ));
    Ok(())
}

/// Adds what the rounds at a rate came to, and the echoes and commits alone between them.
fn report_rate(rate: f64, rounds: &[Times], alone: Vec<EchoTimes>, report: &mut Report) {
    let medians = |of: fn(&Times) -> &Latencies| {
        let medians = rounds.iter().map(|times| millis(of(times).quantile(0.5)));
        medians.collect::<Vec<_>>()
    };
    report.figure(
        &format!("send to ack at {rate}/s, p50"),
        "ms",
        &medians(|times| &times.acked),
    );
    let delivered = medians(|times| &times.delivered);
    if (rate - 100.0).abs() < f64::EPSILON {
        report
            .figure("send to delivered at rest, by itself, p50", "ms", &delivered)
            .aim(Aim::AtMost(1.2));
    }
    let figure = report.figure(&format!("send to delivered at {rate}/s, p50"), "ms", &delivered);
    if !alone.is_empty() {
        let alone = EchoAndCommit {
            rate,
            rounds: alone,
            written: 0,
        };
        figure.above(&alone.name(), &alone.both_ms(0.5));
        if (rate - 100.0).abs() < f64::EPSILON {
            figure.aim(Aim::AtMost(1.5));
        }
        report.latencies(&alone.name(), &alone.all().both);
    }
    let acked = rounds.iter().map(|times| &times.acked).collect();
    report.latencies(&format!("send to ack at {rate}/s"), &acked);
    let delivered = rounds.iter().map(|times| &times.delivered).collect();
    report.latencies(&format!("send to delivered at {rate}/s"), &delivered);
}

/// What a round came to, without its warm-up.
struct Times {
    acked: Latencies,
    delivered: Latencies,
    /// With the warm-up.
    messages: usize,
}

/// When each message that is on its way was to be sent.
type Due = Arc<Mutex<HashMap<Uuid, Instant>>>;

struct Pair {
    sender: Socket,
    recipient: Socket,
    conversation: Uuid,
}

/// Pairs of people, one of whom writes to the other.
pub(crate) struct Pairs(Vec<Pair>);

impl Pairs {
    /// Pairs whose senders are connected to one node, and whose recipients to another or the same.
    pub(crate) async fn gather(senders: &Node, recipients: &Node, count: usize) -> Result<Self> {
        let people = people::register(senders, count * 2).await?;
        let mut pairs = Vec::with_capacity(count);
        for two in people.chunks_exact(2) {
            let mut sender = connect(senders.address(), &two[0], "sender").await?;
            let recipient = connect(recipients.address(), &two[1], "recipient").await?;
            let open = json!({"type": "direct.open", "user": two[1].user});
            let conversation = command(&mut sender, open).await?;
            pairs.push(Pair {
                sender,
                recipient,
                conversation,
            });
        }
        Ok(Self(pairs))
    }

    /// Lets them write for a while; answers how long deliveries took.
    pub(crate) async fn run(mut self, rate: f64, length: Duration) -> Result<(Self, Latencies)> {
        let delivered = self.delivered(rate, length).await?;
        Ok((self, delivered))
    }

    /// Lets them write for as long as `work` takes, and no longer: how long deliveries took is how long they took meanwhile.
    pub(crate) async fn during<T>(
        mut self,
        rate: f64,
        work: impl Future<Output = Result<T>>,
    ) -> Result<(Self, Latencies, T)> {
        let mut done = None;
        let until_done = async { done = Some(work.await) };
        let times = self.write(rate, MEANWHILE, Duration::ZERO, until_done).await?;
        let done = done.context("what was to go on meanwhile took too long")??;
        Ok((self, times.delivered, done))
    }

    /// The same, again and again.
    pub(crate) async fn delivered(&mut self, rate: f64, length: Duration) -> Result<Latencies> {
        Ok(self.round(rate, length).await?.delivered)
    }

    async fn round(&mut self, rate: f64, length: Duration) -> Result<Times> {
        let warm_up = WARM_UP.min(length / 4);
        self.write(rate, length, warm_up, std::future::pending()).await
    }

    /// Writes for `length`, or until `enough`.
    async fn write(
        &mut self,
        rate: f64,
        length: Duration,
        warm_up: Duration,
        enough: impl Future<Output = ()>,
    ) -> Result<Times> {
        let due = Due::default();
        let counted_from = Instant::now() + warm_up;
        let mut turns = vec![];
        let mut running = JoinSet::new();
        for pair in self.0.drain(..) {
            let (turn, calls) = mpsc::channel(64);
            turns.push(turn);
            running.spawn(pair.run(calls, Arc::clone(&due), counted_from));
        }
        let mut pacer = Some(Pacer::start(rate, length, turns));
        let mut enough = pin!(enough);
        let mut sum = Times {
            acked: Latencies::new(),
            delivered: Latencies::new(),
            messages: 0,
        };
        let deadline = tokio::time::Instant::now() + length + PATIENCE;
        loop {
            let done = tokio::select! {
                () = &mut enough, if pacer.is_some() => {
                    pacer = None;
                    continue;
                }
                done = timeout_at(deadline, running.join_next()) => done.context("a round hangs")?,
            };
            let Some(done) = done else { break };
            let (pair, times) = done??;
            self.0.push(pair);
            sum.acked.merge(&times.acked);
            sum.delivered.merge(&times.delivered);
            sum.messages += times.messages;
        }
        Ok(sum)
    }
}

impl Pair {
    async fn run(
        self,
        mut calls: mpsc::Receiver<Instant>,
        due: Due,
        counted_from: Instant,
    ) -> Result<(Self, Times)> {
        let Self {
            mut sender,
            mut recipient,
            conversation,
        } = self;
        let (sent_all, all) = tokio::sync::oneshot::channel::<usize>();
        let received = {
            let due = Arc::clone(&due);
            tokio::spawn(async move {
                let (times, seen) = receive(&mut recipient, &due, counted_from, all).await?;
                Ok::<_, anyhow::Error>((recipient, times, seen))
            })
        };
        let mut acked = Acked::default();
        let mut times = Latencies::new();
        let (mut sent, mut answered) = (0, 0);
        let mut ended = false;
        while !ended || answered < sent {
            tokio::select! {
                call = calls.recv(), if !ended => match call {
                    Some(moment) => {
                        let id = Uuid::now_v7();
                        known(&due).insert(id, moment);
                        let message = json!({
                            "type": "message.send", "id": id, "conversation": conversation,
                            "content": {"kind": "text", "text": "Is anybody there?"},
                        });
                        sender.queue(message.to_string().as_bytes());
                        sender.flush().await?;
                        sent += 1;
                    }
                    None => ended = true,
                },
                ready = sender.readable() => {
                    ready?;
                    let now = Instant::now();
                    let mut wrong = None;
                    sender.read(|object| match parse(object) {
                        Object::Ack { id, conversation, seq } => {
                            answered += 1;
                            acked.note(conversation, seq, id);
                            let moment = known(&due).get(&id).copied();
                            match moment {
                                Some(moment) if moment >= counted_from => times.record(now - moment),
                                Some(_) => {}
                                None => wrong = Some("an ack for what was not sent".to_owned()),
                            }
                        }
                        Object::Error { text } => wrong = Some(text),
                        Object::Event { .. } | Object::Other => {}
                    })?;
                    if let Some(wrong) = wrong {
                        bail!(wrong);
                    }
                    sender.flush().await?;
                }
            }
        }
        // That it has gone shows below.
        let _ = sent_all.send(sent);
        let (recipient, delivered, seen) = received.await??;
        acked.settle()?;
        acked.judge(&seen)?;
        let pair = Self {
            sender,
            recipient,
            conversation,
        };
        Ok((
            pair,
            Times {
                acked: times,
                delivered,
                messages: sent,
            },
        ))
    }
}

/// Reads until as many messages have come as were sent.
async fn receive(
    socket: &mut Socket,
    due: &Due,
    counted_from: Instant,
    mut all: tokio::sync::oneshot::Receiver<usize>,
) -> Result<(Latencies, Seen)> {
    let mut times = Latencies::new();
    let mut seen = Seen::default();
    let (mut received, mut wanted) = (0, None);
    while wanted != Some(received) {
        tokio::select! {
            told = &mut all, if wanted.is_none() => wanted = Some(told.context("the sender broke off")?),
            ready = socket.readable() => {
                ready?;
                let now = Instant::now();
                let mut wrong = None;
                socket.read(|object| {
                    if let Object::Event { conversation, seq, message: Some(message) } = parse(object) {
                        received += 1;
                        if let Err(error) = seen.take(conversation, seq, message) {
                            wrong = Some(error);
                        }
                        match known(due).get(&message) {
                            Some(moment) if *moment >= counted_from => times.record(now - *moment),
                            _ => {}
                        }
                    }
                })?;
                if let Some(wrong) = wrong {
                    return Err(wrong);
                }
                socket.flush().await?;
            }
        }
    }
    Ok((times, seen))
}

fn known(due: &Due) -> std::sync::MutexGuard<'_, HashMap<Uuid, Instant>> {
    due.lock().unwrap_or_else(PoisonError::into_inner)
}
