//! `changes`: what a large group that has changed a million times costs those who share its lane.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::json;
use tidings_bench::accept::{Crowd, Pace};
use tidings_bench::people::{self, Person, answered, connect};
use tidings_bench::setting::{Setting, at_least_one};
use tidings_ceilings::name_stores;
use tidings_report::{Aim, Latencies, Progress, Report, millis};
use tidings_stand::{Node, Stand, StandOptions};
use tokio::time::sleep;
use uuid::Uuid;

use crate::seed::{Turnover, seed_changes};
use tidings_bench::database::Database;

/// How much longer the slowest acks may take while the group changes.
const NOTICEABLE: f64 = 1.5;
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Read models fold a million changes in a minute or two.
const REPLAY_LIMIT: Duration = Duration::from_mins(15);

/// A million changes take about 2 GB of disk with their read models.
#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 100_000, value_parser = at_least_one::<usize>)]
    members: usize,
    /// What happened to the group before: names, roles, people who come and go.
    #[arg(long, default_value_t = 1_000_000)]
    changes: u64,
    /// Changes a second while the group changes.
    #[arg(long, default_value_t = 20, value_parser = at_least_one::<u32>)]
    pace: u32,
    /// People who write to each other beside it, in conversations of the same lane.
    #[arg(long, default_value_t = 20)]
    connections: usize,
    /// Messages that they send each second, all together.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    #[arg(long, default_value_t = 4, value_parser = at_least_one::<usize>)]
    rounds: usize,
    /// Of each part of a round.
    #[arg(long, default_value_t = 6, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let options = StandOptions {
        // Whoever is beside the group shares its lane.
        settings: "lanes = 1\n".to_owned(),
        ..StandOptions::new(args.setting.program()?)
    };
    let stand = Stand::start(&options).await?;
    let mut report = Report::new("changes");
    let done = measure(&stand, &args, &mut report).await;
    stand.stop().await;
    done?;
    args.setting.finish(&report)
}

/// What the rounds came to.
#[derive(Default)]
struct Seen {
    /// The slowest hundredth of acks beside a group that rests, and beside one that changes.
    quiet: Vec<f64>,
    busy: Vec<f64>,
    /// From nothing known of the group to its first change.
    first: Vec<f64>,
    changes: u64,
    checked: Vec<String>,
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let progress = Progress::new("changes", 3 + args.rounds as u64);
    name_stores(stand, report).await?;
    let node = stand.nodes().first().context("a stand without a node")?;
    let owner = people::register(node, 1).await?.pop().context("an owner")?;
    let database = Database::open(&stand.database_url()).await?;
    database.caught_up().await?;
    node.stop(STOP_LIMIT).await;
    progress.step("writing the log");
    let wanted = Turnover {
        owner: owner.user,
        members: args.members,
        changes: args.changes,
    };
    let group = seed_changes(&stand.database_url(), wanted).await?;
    progress.step("building the read models");
    node.run(&["replay"], REPLAY_LIMIT).await?;
    progress.step("tidying up");
    database.batch_execute("VACUUM (ANALYZE)").await?;
    database.batch_execute("CHECKPOINT").await?;
    let mut seen = Seen::default();
    let (mut quiet, mut busy) = (Latencies::new(), Latencies::new());
    for round in 1..=args.rounds {
        progress.step(&format!("round {round}"));
        // Nothing is known of the group, neither in memory nor beside the log.
        database.batch_execute("DELETE FROM stream_state").await?;
        node.launch(&[]).await?;
        node.ready().await?;
        let (of_quiet, of_busy) = one(node, &owner, group, args, &mut seen).await?;
        database.caught_up().await?;
        node.stop(STOP_LIMIT).await;
        quiet.merge(&of_quiet);
        busy.merge(&of_busy);
    }
    tell(&seen, args, report);
    report.latencies("send to ack while the group rests", &quiet);
    report.latencies("send to ack while the group changes", &busy);
    Ok(())
}

/// One round: the group rests, changes, and rests again.
async fn one(
    node: &Node,
    owner: &Person,
    group: Uuid,
    args: &Args,
    seen: &mut Seen,
) -> Result<(Latencies, Latencies)> {
    let length = Duration::from_secs(args.seconds);
    let pace = Pace::Rate(args.rate);
    let mut crowd = Crowd::gather(node, args.connections, args.connections).await?;
    crowd.round(pace, length / 2).await?;
    let mut quiet = crowd.round(pace, length).await?.latencies;
    let changing = change(node, owner, group, args.pace, length);
    let (busy, changed) = tokio::try_join!(crowd.round(pace, length), changing)?;
    quiet.merge(&crowd.round(pace, length).await?.latencies);
    let (first, changes) = changed;
    seen.quiet.push(millis(quiet.quantile(0.99)));
    seen.busy.push(millis(busy.latencies.quantile(0.99)));
    seen.first.push(first.as_secs_f64());
    seen.changes += changes;
    seen.checked.push(crowd.judge().await?);
    Ok((quiet, busy.latencies))
}

/// Changes the group for a while; answers how long the first change took, and how many there were.
async fn change(
    node: &Node,
    owner: &Person,
    group: Uuid,
    pace: u32,
    length: Duration,
) -> Result<(Duration, u64)> {
    let mut socket = connect(node.address(), owner, "owner").await?;
    let start = Instant::now();
    let (mut first, mut changes) = (None, 0);
    while first.is_none() || start.elapsed() < length {
        let name = json!({"type": "group.rename", "conversation": group, "name": format!("round {changes}")});
        answered(&mut socket, name).await?;
        first.get_or_insert_with(|| start.elapsed());
        changes += 1;
        sleep(Duration::from_secs(1) / pace).await;
    }
    Ok((first.unwrap_or_default(), changes))
}

fn tell(seen: &Seen, args: &Args, report: &mut Report) {
    report.figure("send to ack while the group rests, p99", "ms", &seen.quiet);
    report
        .figure("send to ack while the group changes, p99", "ms", &seen.busy)
        .ratio_to("while it rests", &seen.quiet)
        .aim(Aim::AtMost(NOTICEABLE));
    report.figure("the first change of a group that is not known", "s", &seen.first);
    report.note(format!(
        "a group of {} with {} changes behind it; {} more were made beside {} messages a second in its lane",
        args.members, args.changes, seen.changes, args.rate
    ));
    report.note(format!("checker: PASS, {}", seen.checked.join("; ")));
}
