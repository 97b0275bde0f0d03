//! `rebuild`: what it takes to rebuild read models while a node serves, and what those who write feel of it.

mod beside;
mod copy;
mod live;
mod replay;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use tidings_bench::accept::{Crowd, Pace};
use tidings_bench::database::Database;
use tidings_bench::setting::{Setting, at_least_one};
use tidings_ceilings::name_stores;
use tidings_report::{Aim, Latencies, Progress, Report, millis};
use tidings_stand::Node;

use crate::long_log::LongLog;
use beside::beside;
use copy::{Copied, copy};
use replay::{Rebuilt, replay};

/// Events a second, each counted once for each read model.
const FOLDED: f64 = 150_000.0;
/// How much longer the slowest acks may take meanwhile.
const NOTICEABLE: f64 = 1.5;
/// Of what COPY does with the same rows.
const OF_COPY: f64 = 0.5;
/// Whatever is done takes no longer.
const LIMIT: Duration = Duration::from_hours(1);

/// A million events with their read models, once more as they are rebuilt and once more as they are kept, take about 4 GB of disk.
#[derive(clap::Args)]
pub struct Args {
    /// Events in the log, before messages are sent.
    #[arg(long, default_value_t = 1_000_000, value_parser = at_least_one::<u64>)]
    events: u64,
    /// People who write to each other all the while.
    #[arg(long, default_value_t = 20)]
    connections: usize,
    /// Messages that they send each second, all together.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    #[arg(long, default_value_t = 3, value_parser = at_least_one::<usize>)]
    rounds: usize,
    /// Of the part of a round in which nothing is rebuilt.
    #[arg(long, default_value_t = 20, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let mut report = Report::new("rebuild");
    let progress = Progress::new("rebuild", 6 + 5 * args.rounds as u64);
    let log = LongLog::make(&args.setting.program()?, args.events, &[], &progress).await?;
    let done = measure(&log, &args, &mut report, &progress).await;
    log.stand.stop().await;
    done?;
    args.setting.finish(&report)
}

/// What the rounds came to.
#[derive(Default)]
struct Seen {
    /// Acks while nothing is rebuilt, and while all read models are.
    quiet: Vec<Latencies>,
    busy: Vec<Latencies>,
    rebuilt: Vec<Rebuilt>,
    copied: Vec<Copied>,
    /// Events of the log a second, of each read model that was rebuilt by itself.
    alone: BTreeMap<String, Vec<f64>>,
}

async fn measure(log: &LongLog, args: &Args, report: &mut Report, progress: &Progress) -> Result<()> {
    name_stores(&log.stand, report).await?;
    report.note(log.made());
    let node = log.node();
    let database = Database::of(&log.stand).await?;
    let mut crowd = Crowd::gather(node, args.connections, args.connections).await?;
    let mut seen = Seen::default();
    for _ in 0..args.rounds {
        one(node, &database, &mut crowd, args, &mut seen, progress).await?;
    }
    progress.step("judging");
    let judged = crowd.judge().await?;
    drop(crowd);
    progress.step("verifying");
    let verified = node.run(&["verify"], LIMIT).await?;
    ensure!(
        verified.trim_end().ends_with("rebuilt equals live"),
        "read models are not what the log says: {verified}"
    );
    tell(&seen, args, report);
    report.note(format!(
        "checker: PASS, {judged}; read models equal the log row for row"
    ));
    Ok(())
}

/// One round: nothing is rebuilt, then everything, then each read model by itself.
async fn one(
    node: &Node,
    database: &Database,
    crowd: &mut Crowd,
    args: &Args,
    seen: &mut Seen,
    progress: &Progress,
) -> Result<()> {
    let pace = Pace::Rate(args.rate);
    progress.step("tidying up");
    beside(crowd, pace, tidy(database)).await?;
    progress.step("rebuilding nothing");
    let quiet = crowd.round(pace, Duration::from_secs(args.seconds)).await?;
    progress.step("rebuilding all read models");
    let (rebuilt, busy) = beside(crowd, pace, replay(node, database, None)).await?;
    progress.step("copying the same rows");
    let (copied, _) = beside(crowd, pace, copy(database)).await?;
    progress.step("rebuilding one read model after the other");
    for name in &rebuilt.projections {
        let (alone, _) = beside(crowd, pace, replay(node, database, Some(name))).await?;
        let rates = seen.alone.entry(name.clone()).or_default();
        rates.push(alone.events_per_s());
    }
    seen.quiet.push(quiet.latencies);
    seen.busy.push(busy);
    seen.rebuilt.push(rebuilt);
    seen.copied.push(copied);
    Ok(())
}

/// What the round before has left is not felt in this one.
async fn tidy(database: &Database) -> Result<()> {
    database.batch_execute("VACUUM (ANALYZE)").await?;
    database.batch_execute("CHECKPOINT").await?;
    Ok(())
}

fn tell(seen: &Seen, args: &Args, report: &mut Report) {
    let of = |what: fn(&Rebuilt) -> f64| -> Vec<f64> { seen.rebuilt.iter().map(what).collect() };
    let folded = "events folded by a rebuild, once for each read model";
    report
        .figure(folded, "1/s", &of(Rebuilt::folds_per_s))
        .aim(Aim::AtLeast(FOLDED));
    report.figure("events of the log rebuilt", "1/s", &of(Rebuilt::events_per_s));
    let seconds = of(|rebuilt| rebuilt.took.as_secs_f64());
    report.figure("from the start of a rebuild to its swap", "s", &seconds);

    let p99 = |rounds: &[Latencies]| -> Vec<f64> {
        let slowest = rounds.iter().map(|latencies| latencies.quantile(0.99));
        slowest.map(millis).collect()
    };
    let quiet = p99(&seen.quiet);
    report.figure("send to ack while nothing is rebuilt, p99", "ms", &quiet);
    report
        .figure("send to ack while all is rebuilt, p99", "ms", &p99(&seen.busy))
        .ratio_to("while nothing is rebuilt", &quiet)
        .aim(Aim::AtMost(NOTICEABLE));

    let pairs = seen.rebuilt.iter().zip(&seen.copied);
    let written: Vec<f64> = pairs
        .map(|(rebuilt, copied)| copied.rows as f64 / rebuilt.took.as_secs_f64())
        .collect();
    let copied: Vec<f64> = seen.copied.iter().map(Copied::rows_per_s).collect();
    report
        .figure("rows written by a rebuild", "1/s", &written)
        .ratio_to("COPY of the same rows", &copied)
        .aim(Aim::AtLeast(OF_COPY));
    for (name, rates) in &seen.alone {
        report.figure(&format!("events of the log rebuilt, {name} alone"), "1/s", rates);
    }
    explain(seen, args, report);
    let (quiet, busy): (Latencies, Latencies) = (seen.quiet.iter().collect(), seen.busy.iter().collect());
    report.latencies("send to ack while nothing is rebuilt", &quiet);
    report.latencies("send to ack while all is rebuilt", &busy);
}

/// What the figures mean.
fn explain(seen: &Seen, args: &Args, report: &mut Report) {
    let Some((rebuilt, copied)) = seen.rebuilt.last().zip(seen.copied.last()) else {
        return;
    };
    report.note(format!(
        "a log of {} events at the last rebuild; in \"once for each read model\" each of them counts {} times, for as many read models \
         were rebuilt, whether they look at it or not",
        rebuilt.events,
        rebuilt.projections.len()
    ));
    report.note(format!(
        "{} messages a second were sent all the while, also while each read model was rebuilt by itself and during COPY",
        args.rate
    ));
    report.note(format!(
        "COPY: {} rows, one table after the other, binary, from a file of the server's into empty tables with the same indexes; \
         neither making the files nor the tables counts",
        copied.rows
    ));
}
