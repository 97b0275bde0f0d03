//! `modest`: what a message costs while there is little to do, when nothing is gathered into large batches: processor time,
//! transactions, WAL, and what it leaves on disk.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_ceilings::{Echo, Rounds};
use tidings_report::{Aim, Progress, Report};
use tidings_stand::Stand;

use crate::accept::{Crowd, Pace};
use crate::cost::Cost;
use crate::database::Database;
use crate::disk::Disk;
use crate::setting::{Setting, at_least_one};

/// Tables and indexes that take less of a message are not named.
const NAMED_BYTES: f64 = 1.0;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// Each is between two of them.
    #[arg(long, default_value_t = 1_000)]
    conversations: usize,
    /// Messages a second over all of them.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    #[arg(long, default_value_t = 5, value_parser = at_least_one::<usize>)]
    rounds: usize,
    /// Of each round.
    #[arg(long, default_value_t = 15, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let measuring = async |stand: &Stand, report: &mut Report| measure(stand, &args, report).await;
    args.setting.report("modest", measuring).await
}

/// A round, and the append path alone right after it.
struct Round {
    cost: Cost,
    messages: u64,
    alone_ms: f64,
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let progress = Progress::new("modest", 1 + 2 * args.rounds as u64);
    let mut crowd = Crowd::gather(node, args.connections, args.conversations).await?;
    let database = Database::of(stand).await?;
    let length = Duration::from_secs(args.seconds);
    let pace = Pace::Rate(args.rate);
    let mut echo = Echo::open(stand).await?;
    progress.step("warming up");
    crowd.round(pace, length / 2).await?;
    let (disk, events) = (Disk::now(&database).await?, database.events().await?);
    let mut rounds = vec![];
    for number in 1..=args.rounds {
        progress.step(&format!("{} messages a second, round {number}", args.rate));
        let before = Cost::now(stand, node, &database).await?;
        let messages = crowd.round(pace, length).await?.acks_in_all;
        // What is folded later is part of the cost.
        database.caught_up().await?;
        let cost = Cost::now(stand, node, &database).await?.since(&before);
        // In turn with the rounds, so that a machine that is slow for a while is slow for both.
        progress.step(&format!("one append after the other alone, round {number}"));
        let (before, written) = (Cost::now(stand, node, &database).await?, echo.written());
        echo.run(args.rate, &Rounds::of(1, length / 2)).await?;
        let used = Cost::now(stand, node, &database).await?.since(&before);
        rounds.push(Round {
            cost,
            messages,
            alone_ms: used.storing_ms() / (echo.written() - written) as f64,
        });
    }
    echo.close(stand).await?;
    let each = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<f64>>();
    let serving = each(|round| round.cost.serving_ms() / round.messages as f64);
    report
        .figure("processor time per message", "ms", &serving)
        .aim(Aim::AtMost(1.0));
    report
        .figure("processor time per message, beside", "ms", &serving)
        .above("PostgreSQL's for one append alone", &each(|round| round.alone_ms));
    Cost::report(rounds.iter().map(|round| (&round.cost, round.messages)), report);

    let messages: u64 = rounds.iter().map(|round| round.messages).sum();
    let logged = database.events().await? - events;
    report.figure("events per message", "", &[logged as f64 / messages as f64]);
    let now = Disk::now(&database).await?;
    let grown = now.since(&disk);
    let per_message = |bytes: i64| bytes as f64 / messages as f64;
    let all = grown.iter().map(|(_, bytes)| bytes).sum();
    report
        .figure("on disk per message", "bytes", &[per_message(all)])
        .aim(Aim::AtMost(600.0));
    for (name, bytes) in grown {
        if per_message(bytes) >= NAMED_BYTES {
            report.figure(
                &format!("on disk per message, {name}"),
                "bytes",
                &[per_message(bytes)],
            );
        }
    }
    let checked = crowd.judge().await?;
    report.note(format!("checker: PASS, {checked}"));
    Ok(())
}
