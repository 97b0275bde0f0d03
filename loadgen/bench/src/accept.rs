//! `accept`: how many messages a second become durable, and how long an ack takes.

mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::report::{Aim, Latencies, Progress, Report, median};
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tidings_stand::{Node, Stand, StandOptions, Usage, find_program};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ceilings::append_loop;
use crate::lag::Lag;
use crate::ledger::Acked;
use crate::people::{self, command, connect};
use worker::{Pace, Tally, Worker};

/// A latency above this is too slow for a chat.
const P99_LIMIT: Duration = Duration::from_millis(50);
/// Rates that are tried at most for the highest one that is quick enough.
const TRIES: usize = 6;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// Each is between two of them.
    #[arg(long, default_value_t = 1_000)]
    conversations: usize,
    /// Messages that a connection may have unacked.
    #[arg(long, default_value_t = 16)]
    window: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Of each round.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// The `tidings` program; without it, the one beside this program.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the report is written.
    #[arg(long, default_value = "bench-results")]
    out: PathBuf,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let program = args.program.clone().map_or_else(find_program, Ok)?;
    let stand = Stand::start(&StandOptions::new(program)).await?;
    let mut report = Report::new("accept");
    let done = measure(&stand, &args, &mut report).await;
    stand.stop().await;
    done?;
    report.print();
    report.write(&args.out)
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let mut crowd = Crowd::gather(node, args.connections, args.conversations).await?;
    let length = Duration::from_secs(args.seconds);
    let progress = Progress::new("accept", (2 * args.rounds + TRIES + 1) as u64);
    progress.step("warming up");
    crowd.round(Pace::Window(args.window), length).await?;

    let mut closed = Vec::new();
    // Between the rounds, so that a machine that is slow for a while is slow for both.
    let mut alone = vec![];
    for round in 0..args.rounds {
        progress.step(&format!("window of {}, round {}", args.window, round + 1));
        let lag = Lag::watch(&stand.database_url()).await?;
        let before = Parts::now(stand, node);
        let tally = crowd.round(Pace::Window(args.window), length).await?;
        let used = Parts::now(stand, node).since(&before);
        closed.push((tally, used, lag.end().await?));
        progress.step(&format!("append path alone, round {}", round + 1));
        alone.push(append_loop(stand, args.connections * args.window, length / 2).await?);
    }
    let rates: Vec<f64> = closed.iter().map(|(tally, ..)| tally.rate()).collect();
    report.figure("append path alone", "events/s", &alone);
    report
        .figure("durable acks", "1/s", &rates)
        .beside("events/s of the append path alone", median(&alone))
        .aim(Aim::AtLeast(0.35));
    report
        .figure("durable acks, by themselves", "1/s", &rates)
        .aim(Aim::AtLeast(35_000.0));
    let mut latencies = Latencies::new();
    for (tally, ..) in &closed {
        latencies.merge(&tally.latencies);
    }
    report.latencies("send to ack, window full", &latencies);
    for (name, part) in Parts::NAMES {
        let cost = closed
            .iter()
            .map(|(tally, used, _)| part(used).as_secs_f64() * 1e6 / tally.acks_in_all as f64);
        report.figure(
            &format!("CPU per message, {name}"),
            "µs",
            &cost.collect::<Vec<_>>(),
        );
    }
    let behind: Vec<f64> = closed.iter().map(|(.., lag)| lag.most as f64).collect();
    report.figure("read models behind, at most", "events", &behind);
    let catching_up: Vec<f64> = closed
        .iter()
        .map(|(.., lag)| lag.catching_up.as_secs_f64())
        .collect();
    report.figure("read models up to date after", "s", &catching_up);
    if let Some((tally, ..)) = closed.last() {
        report.series("acks", "1/s", &tally.series());
    }

    match crowd.highest_rate(median(&rates), length, &progress).await? {
        Some((rate, tally)) => {
            report.figure("highest rate with p99 below 50 ms", "1/s", &[rate]);
            report.latencies("send to ack at that rate", &tally.latencies);
        }
        None => report.note("p99 was above 50 ms at every rate tried".to_owned()),
    }
    let checked = crowd.judge().await?;
    report.note(format!("checker: PASS, {checked}"));
    Ok(())
}

/// Processor time by part.
struct Parts {
    node: Usage,
    postgres: Usage,
    redis: Usage,
    own: Usage,
}

type Part = fn(&Parts) -> Duration;

impl Parts {
    const NAMES: [(&'static str, Part); 4] = [
        ("server", |parts| parts.node.cpu()),
        ("PostgreSQL", |parts| parts.postgres.cpu()),
        ("Redis", |parts| parts.redis.cpu()),
        ("load generator", |parts| parts.own.cpu()),
    ];

    fn now(stand: &Stand, node: &Node) -> Self {
        Self {
            node: node.usage(),
            postgres: stand.postgres_usage(),
            redis: stand.redis_usage(),
            own: Usage::own(),
        }
    }

    fn since(self, before: &Self) -> Self {
        Self {
            node: self.node - before.node,
            postgres: self.postgres - before.postgres,
            redis: self.redis - before.redis,
            own: self.own - before.own,
        }
    }
}

/// Connected people with conversations between them.
pub struct Crowd {
    workers: Vec<Worker>,
    acked: Acked,
}

impl Crowd {
    /// Registers and connects people, and opens conversations between pairs of them.
    pub async fn gather(node: &Node, connections: usize, conversations: usize) -> Result<Self> {
        let people = people::register(node, connections).await?;
        let pairs = pairs(connections, conversations)?;
        let mut members: Vec<Vec<Uuid>> = vec![vec![]; connections];
        let mut opening = JoinSet::new();
        for (first, person) in people.iter().cloned().enumerate() {
            let others: Vec<(usize, Uuid)> = pairs
                .iter()
                .filter(|(one, _)| *one == first)
                .map(|(_, other)| (*other, people[*other].user))
                .collect();
            let address = node.address();
            opening.spawn(async move {
                let mut socket = crate::wire::Socket::connect(address, None).await?;
                socket.hello(&person.token, "opener", &json!({})).await?;
                socket.synced(|_| {}).await?;
                let mut opened = Vec::with_capacity(others.len());
                for (other, user) in others {
                    let open = json!({"type": "direct.open", "user": user});
                    opened.push((first, other, command(&mut socket, open).await?));
                }
                Ok::<_, anyhow::Error>(opened)
            });
        }
        while let Some(opened) = opening.join_next().await {
            for (first, other, conversation) in opened?? {
                members[first].push(conversation);
                members[other].push(conversation);
            }
        }
        let mut workers = Vec::with_capacity(connections);
        for (person, conversations) in people.iter().zip(members) {
            workers.push(Worker::new(
                connect(node.address(), person, "worker").await?,
                conversations,
            ));
        }
        Ok(Self {
            workers,
            acked: Acked::default(),
        })
    }

    /// Lets everybody send for `length` at a pace, and waits for the last ack.
    pub async fn round(&mut self, pace: Pace, length: Duration) -> Result<Tally> {
        let start = Instant::now();
        let mut running = JoinSet::new();
        let count = self.workers.len();
        for (number, worker) in self.workers.drain(..).enumerate() {
            running.spawn(worker.run(pace.of(number, count), start, length));
        }
        let mut sum = Tally::new(length);
        while let Some(done) = running.join_next().await {
            let (worker, tally, acked) = done??;
            self.workers.push(worker);
            self.acked.merge(acked);
            sum.merge(&tally);
        }
        Ok(sum)
    }

    /// The highest rate at which p99 stays below the limit, by halving, from what a full window reached.
    async fn highest_rate(
        &mut self,
        top: f64,
        length: Duration,
        progress: &Progress,
    ) -> Result<Option<(f64, Tally)>> {
        let (mut low, mut high) = (0.0, top * 1.2);
        let mut best = None;
        for _ in 0..TRIES {
            let rate = if low == 0.0 {
                high * 0.6
            } else {
                f64::midpoint(low, high)
            };
            progress.step(&format!("at {rate:.0} messages a second"));
            let tally = self.round(Pace::Rate(rate), length).await?;
            if tally.latencies.quantile(0.99) < P99_LIMIT {
                low = rate;
                best = Some((rate, tally));
            } else {
                high = rate;
            }
        }
        Ok(best)
    }

    /// Reads until everybody has everything, and sees that all of it is what was acked. Answers what was looked at.
    pub async fn judge(&mut self) -> Result<String> {
        let mut acked = std::mem::take(&mut self.acked);
        acked.settle()?;
        let acked = Arc::new(acked);
        let mut reading = JoinSet::new();
        for mut worker in self.workers.drain(..) {
            let acked = Arc::clone(&acked);
            reading.spawn(async move {
                worker.read_to(&acked).await?;
                acked.judge(worker.seen())?;
                Ok::<_, anyhow::Error>(worker)
            });
        }
        let mut deliveries = 0;
        while let Some(worker) = reading.join_next().await {
            let worker = worker??;
            deliveries += worker.deliveries();
            self.workers.push(worker);
        }
        let messages = acked.count() as u64;
        if deliveries != messages * 2 {
            bail!("{messages} messages between two each, but {deliveries} deliveries");
        }
        Ok(format!("{messages} messages acked, {deliveries} deliveries"))
    }
}

/// Distinct pairs, so that everybody is in about as many.
fn pairs(people: usize, wanted: usize) -> Result<Vec<(usize, usize)>> {
    if people < 2 || wanted > people * (people - 1) / 2 {
        bail!("{people} people have fewer than {wanted} pairs");
    }
    let pairs = (1..people).flat_map(|step| (0..people).map(move |one| (one, (one + step) % people)));
    let mut chosen = std::collections::BTreeSet::new();
    Ok(pairs
        .filter(|(one, other)| chosen.insert((*one.min(other), *one.max(other))))
        .take(wanted)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_distinct_and_spread() {
        let pairs = pairs(200, 1_000).unwrap();
        assert_eq!(pairs.len(), 1_000);
        let distinct: std::collections::HashSet<_> = pairs
            .iter()
            .map(|(one, other)| (one.min(other), one.max(other)))
            .collect();
        assert_eq!(distinct.len(), 1_000);
        for person in 0..200 {
            let of = pairs
                .iter()
                .filter(|(one, other)| *one == person || *other == person)
                .count();
            assert_eq!(of, 10);
        }
        assert!(super::pairs(3, 4).is_err());
    }
}
