//! `growth`: what a longer log and a larger group cost.

mod accepting;
mod writes;

use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_bench::setting::Setting;
use tidings_ceilings::{name_stores, raise_file_limit};
use tidings_report::{Aim, Progress, Report};

use crate::long_log::{self, LongLog};
use writes::Writes;

/// How long a node may take to be ready, in seconds.
const READY_S: f64 = 2.0;

/// 10^7 events with their read models take about 10 GB of disk, and some minutes to make.
#[derive(clap::Args)]
pub struct Args {
    /// Events in the logs, before messages are sent.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000, 10_000_000])]
    events: Vec<u64>,
    #[command(flatten)]
    growing: Growing,
    #[command(flatten)]
    setting: Setting,
}

/// How it is measured.
#[derive(clap::Args, Clone)]
pub(crate) struct Growing {
    /// Members of the groups whose messages' writes are counted. The longest log has them.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 1_000, 10_000])]
    pub(crate) groups: Vec<usize>,
    /// Messages to each group in each round.
    #[arg(long, default_value_t = 500)]
    messages: u64,
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
    /// Of each round in which messages are accepted.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

/// Runs the workload on stands of its own, one for each log.
pub async fn run(args: Args) -> Result<()> {
    let mut report = Report::new("growth");
    let progress = Progress::new("growth", 4 * args.events.len() as u64 + args.growing.steps());
    let program = args.setting.program()?;
    let groups = args.growing.groups(&args.events);
    let logs = long_log::make_all(&program, &args.events, groups, &progress).await?;
    let all: Vec<&LongLog> = logs.iter().collect();
    let done = measure(&all, &args.growing, &mut report, &progress).await;
    long_log::end_all(logs).await;
    done?;
    args.setting.finish(&report)
}

impl Growing {
    /// What the longest of these logs is to have.
    pub(crate) fn groups<'a>(&'a self, sizes: &[u64]) -> Option<(u64, &'a [usize])> {
        sizes.iter().max().map(|size| (*size, self.groups.as_slice()))
    }

    pub(crate) fn steps(&self) -> u64 {
        3 + self.rounds as u64
    }
}

/// Measures all logs in turn, so that a machine that is slow for a while is slow for all of them.
pub(crate) async fn measure(
    logs: &[&LongLog],
    growing: &Growing,
    report: &mut Report,
    progress: &Progress,
) -> Result<()> {
    raise_file_limit()?;
    let first = logs.first().context("no log to measure")?;
    name_stores(&first.stand, report).await?;
    progress.step("growth: from start to ready");
    restarts(logs, growing.rounds, report).await?;
    progress.step("growth: writes per message");
    let largest = logs.iter().max_by_key(|log| log.size).context("no log")?;
    let writes = Writes::count(largest, growing.messages, growing.rounds).await?;
    writes.tell(report);
    accepting::measure(logs, growing, report, progress).await
}

/// Starts each node again and again.
async fn restarts(logs: &[&LongLog], rounds: usize, report: &mut Report) -> Result<()> {
    let mut times = vec![vec![]; logs.len()];
    for _ in 0..rounds {
        for (times, log) in times.iter_mut().zip(logs) {
            times.push(log.restart().await?);
        }
    }
    for (times, log) in times.iter().zip(logs) {
        let seconds: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
        report
            .figure(&format!("start to ready, {}", log.name()), "s", &seconds)
            .aim(Aim::AtMost(READY_S));
    }
    Ok(())
}
