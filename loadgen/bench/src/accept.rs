//! `accept`: how many messages a second become durable, and how long an ack takes.

mod crowd;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_ceilings::{Rounds, append_loop};
use tidings_report::{Aim, Latencies, Progress, Report, median};
use tidings_stand::Stand;

use crate::cost::Cost;
use crate::database::Database;
use crate::lag::{Behind, Lag};
use crate::setting::{Setting, at_least_one};
pub use crowd::Crowd;
pub use worker::{Pace, Tally};

/// A latency above this is too slow for a chat.
const P99_LIMIT: Duration = Duration::from_millis(50);
/// A reader whose read models are further behind than this would notice.
const BEHIND_MAX_S: f64 = 2.0;
/// Rates that are tried for the highest one that is quick enough.
const TRIES: usize = 6;
/// Rounds of a rate that must be quick enough, and that may be too slow: a machine that stands still for a moment says
/// nothing about a rate.
const QUICK_ENOUGH: usize = 2;
const TOO_SLOW: usize = 2;

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
    #[arg(long, default_value_t = 3, value_parser = at_least_one::<usize>)]
    rounds: usize,
    /// Of each round.
    #[arg(long, default_value_t = 8, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let measuring = async |stand: &Stand, report: &mut Report| measure(stand, &args, report).await;
    args.setting.report("accept", measuring).await
}

/// A round with a full window.
struct Round {
    tally: Tally,
    cost: Cost,
    behind: Behind,
    /// Events a second that the append path alone did right after it.
    alone: f64,
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let mut crowd = Crowd::gather(node, args.connections, args.conversations).await?;
    let length = Duration::from_secs(args.seconds);
    let tries = TRIES * (QUICK_ENOUGH + TOO_SLOW - 1);
    let progress = Progress::new("accept", (2 * args.rounds + tries + 1) as u64);
    let database = Arc::new(Database::of(stand).await?);
    progress.step("warming up");
    crowd.round(Pace::Window(args.window), length).await?;

    let mut rounds = vec![];
    for number in 1..=args.rounds {
        progress.step(&format!("window of {}, round {number}", args.window));
        let before = Cost::now(stand, node, &database).await?;
        let lag = Lag::watch(Arc::clone(&database));
        let tally = crowd.round(Pace::Window(args.window), length).await?;
        let behind = lag.end().await?;
        let cost = Cost::now(stand, node, &database).await?.since(&before);
        // In turn with the rounds, so that a machine that is slow for a while is slow for both.
        progress.step(&format!("append path alone, round {number}"));
        let alone = append_loop(stand, args.connections * args.window, &Rounds::of(1, length / 2)).await?;
        rounds.push(Round {
            tally,
            cost,
            behind,
            alone: median(&alone.events_per_s),
        });
    }
    let rate = report_rounds(&rounds, report);

    match highest_rate(&mut crowd, &database, rate, length / 2, &progress).await? {
        Some(found) => {
            report.figure("highest rate with p99 below 50 ms", "1/s", &[found.rate]);
            report.latencies("send to ack at that rate", &found.latencies);
            report.figure(
                "read models behind, at most, at that rate",
                "s",
                &[found.behind as f64 / found.rate],
            );
        }
        None => report.note("p99 was above 50 ms at every rate tried".to_owned()),
    }
    let checked = crowd.judge().await?;
    report.note(format!("checker: PASS, {checked}"));
    Ok(())
}

/// Adds what the rounds came to; answers the median of acks a second.
fn report_rounds(rounds: &[Round], report: &mut Report) -> f64 {
    let each = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<f64>>();
    let (rates, alone) = (each(|round| round.tally.rate()), each(|round| round.alone));
    report.figure("append path alone", "events/s", &alone);
    report
        .figure("durable acks", "1/s", &rates)
        .below("the append path alone", &alone)
        .aim(Aim::AtLeast(0.35));
    report
        .figure("durable acks, by themselves", "1/s", &rates)
        .aim(Aim::AtLeast(35_000.0));
    let mut latencies = Latencies::new();
    for round in rounds {
        latencies.merge(&round.tally.latencies);
    }
    report.latencies("send to ack, window full", &latencies);
    report.figure(
        "read models behind, at most",
        "events",
        &each(|round| round.behind.most as f64),
    );
    report
        .figure(
            "read models behind, at most, as time",
            "s",
            &each(|round| round.behind.most as f64 / round.tally.rate()),
        )
        .aim(Aim::AtMost(BEHIND_MAX_S));
    report.figure(
        "search behind, at most, as time",
        "s",
        &each(|round| round.behind.lagging as f64 / round.tally.rate()),
    );
    report.figure(
        "read models up to date after",
        "s",
        &each(|round| round.behind.catching_up.as_secs_f64()),
    );
    Cost::report(
        rounds.iter().map(|round| (&round.cost, round.tally.acks_in_all)),
        report,
    );
    if let Some(last) = rounds.last() {
        report.series("acks", "1/s", &last.tally.series());
    }
    median(&rates)
}

/// A rate that was quick enough.
struct Quick {
    rate: f64,
    /// Of the rounds that were.
    latencies: Latencies,
    /// Events that the read models were behind, at most.
    behind: u64,
}

/// The highest rate at which p99 stays below the limit in two rounds of three, by halving, from what a full window reached.
async fn highest_rate(
    crowd: &mut Crowd,
    database: &Arc<Database>,
    top: f64,
    length: Duration,
    progress: &Progress,
) -> Result<Option<Quick>> {
    let (mut low, mut high) = (0.0, top * 1.2);
    let mut best = None;
    for _ in 0..TRIES {
        let rate = if low == 0.0 {
            high * 0.6
        } else {
            f64::midpoint(low, high)
        };
        match try_rate(crowd, database, rate, length, progress).await? {
            Some(quick) => {
                low = rate;
                best = Some(quick);
            }
            None => high = rate,
        }
    }
    Ok(best)
}

async fn try_rate(
    crowd: &mut Crowd,
    database: &Arc<Database>,
    rate: f64,
    length: Duration,
    progress: &Progress,
) -> Result<Option<Quick>> {
    let mut latencies = Latencies::new();
    let (mut quick, mut slow, mut behind) = (0, 0, 0);
    while quick < QUICK_ENOUGH && slow < TOO_SLOW {
        progress.step(&format!(
            "at {rate:.0} messages a second, {quick} rounds quick, {slow} slow"
        ));
        let lag = Lag::watch(Arc::clone(database));
        let tally = crowd.round(Pace::Rate(rate), length).await?;
        behind = behind.max(lag.end().await?.most);
        if tally.latencies.quantile(0.99) < P99_LIMIT {
            quick += 1;
            latencies.merge(&tally.latencies);
        } else {
            slow += 1;
        }
    }
    Ok((quick == QUICK_ENOUGH).then_some(Quick {
        rate,
        latencies,
        behind,
    }))
}
