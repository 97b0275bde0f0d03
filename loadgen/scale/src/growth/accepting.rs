//! How fast messages are accepted on top of logs of different lengths.

use std::time::Duration;

use anyhow::Result;
use tidings_bench::accept::{Crowd, Pace};
use tidings_ceilings::{Rounds, append_loop};
use tidings_report::{Aim, Latencies, Progress, Report, median};

use super::Growing;
use crate::long_log::LongLog;
use tidings_bench::database::Database;

/// What the longest log must reach of the shortest one's rate.
const STILL: f64 = 0.9;

/// People who write on top of one log, and what their rounds came to.
struct Bench<'a> {
    log: &'a LongLog,
    database: Database,
    crowd: Crowd,
    rates: Vec<f64>,
    /// Events a second of the append path alone on the same PostgreSQL, right after each round.
    alone: Vec<f64>,
    latencies: Latencies,
}

pub(super) async fn measure(
    logs: &[&LongLog],
    growing: &Growing,
    report: &mut Report,
    progress: &Progress,
) -> Result<()> {
    let mut benches = vec![];
    progress.step("growth: accepting, warming up");
    for log in logs {
        benches.push(Bench::gather(log, growing).await?);
    }
    for round in 1..=growing.rounds {
        progress.step(&format!("growth: accepting, round {round}"));
        // Each log is the first one in some round.
        let first = round % benches.len();
        for index in 0..benches.len() {
            let index = (first + index) % logs.len();
            benches[index].round(growing).await?;
        }
    }
    tell(benches, report).await
}

impl<'a> Bench<'a> {
    async fn gather(log: &'a LongLog, growing: &Growing) -> Result<Self> {
        let node = log.node();
        let mut bench = Self {
            log,
            database: Database::open(&log.stand.database_url()).await?,
            crowd: Crowd::gather(node, growing.connections, growing.conversations).await?,
            rates: vec![],
            alone: vec![],
            latencies: Latencies::new(),
        };
        let pace = Pace::Window(growing.window);
        bench.crowd.round(pace, growing.length() / 2).await?;
        bench.rest().await?;
        Ok(bench)
    }

    async fn round(&mut self, growing: &Growing) -> Result<()> {
        let pace = Pace::Window(growing.window);
        let tally = self.crowd.round(pace, growing.length()).await?;
        self.rates.push(tally.rate());
        self.latencies.merge(&tally.latencies);
        self.rest().await?;
        let outstanding = growing.connections * growing.window;
        let rounds = Rounds::of(1, growing.length() / 2);
        let alone = append_loop(&self.log.stand, outstanding, &rounds).await?;
        self.alone.push(median(&alone.events_per_s));
        Ok(())
    }

    /// Nothing is left to do, so that the next log is measured alone.
    async fn rest(&mut self) -> Result<()> {
        self.crowd.judge().await?;
        self.database.caught_up().await
    }
}

impl Growing {
    fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

async fn tell(mut benches: Vec<Bench<'_>>, report: &mut Report) -> Result<()> {
    benches.sort_by_key(|bench| bench.log.size);
    let (names, rates): (Vec<String>, Vec<Vec<f64>>) = benches
        .iter()
        .map(|bench| (bench.log.name(), bench.rates.clone()))
        .unzip();
    let last = benches.len() - 1;
    for (index, bench) in benches.iter_mut().enumerate() {
        let name = bench.log.name();
        let figure = report.figure(&format!("durable acks, {name}"), "1/s", &bench.rates);
        if index == last && index > 0 {
            figure.ratio_to(&names[0], &rates[0]).aim(Aim::AtLeast(STILL));
        }
        report
            .figure(
                &format!("durable acks beside appends, {name}"),
                "1/s",
                &bench.rates,
            )
            .below("the append path alone on a log of its own", &bench.alone);
        report.latencies(&format!("send to ack, window full, {name}"), &bench.latencies);
        let checked = bench.crowd.judge().await?;
        let now = bench.database.events().await?;
        report.note(format!(
            "{name}: checker: PASS, {checked}; {now} events at the end"
        ));
    }
    Ok(())
}
