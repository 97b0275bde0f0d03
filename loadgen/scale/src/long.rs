//! `long`: `history` and `growth` on the same logs, since a long log takes longer to make than to measure.

use anyhow::Result;
use tidings_bench::setting::Setting;
use tidings_report::{Progress, Report};

use crate::growth::{self, Growing};
use crate::history::{self, Looking};
use crate::long_log::{self, LongLog};

/// A log of each size is made once and measured by both. 10^7 events with their read models take about 10 GB of disk.
#[derive(clap::Args)]
pub struct Args {
    /// Events in the logs whose history is looked at.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000, 10_000_000])]
    history: Vec<u64>,
    /// Events in the logs that messages are added to.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000, 10_000_000])]
    growth: Vec<u64>,
    #[command(flatten)]
    looking: Looking,
    #[command(flatten)]
    growing: Growing,
    #[command(flatten)]
    setting: Setting,
}

/// Runs both workloads on stands of their own, one for each log, and writes a report for each workload.
pub async fn run(args: Args) -> Result<()> {
    let mut sizes: Vec<u64> = args.history.iter().chain(&args.growth).copied().collect();
    sizes.sort_unstable();
    sizes.dedup();
    let steps = 4 * sizes.len() as u64 + args.looking.steps(args.history.len()) + args.growing.steps();
    let progress = Progress::new("long", steps);
    let program = args.setting.program()?;
    let groups = args.growing.groups(&args.growth);
    let logs = long_log::make_all(&program, &sizes, groups, &progress).await?;
    let done = measure(&logs, &args, &progress).await;
    long_log::end_all(logs).await;
    done
}

async fn measure(logs: &[LongLog], args: &Args, progress: &Progress) -> Result<()> {
    let of =
        |sizes: &[u64]| -> Vec<&LongLog> { logs.iter().filter(|log| sizes.contains(&log.size)).collect() };
    let mut report = Report::new("history");
    history::measure(&of(&args.history), args.looking, &mut report, progress).await?;
    args.setting.finish(&report)?;
    let mut report = Report::new("growth");
    growth::measure(&of(&args.growth), &args.growing, &mut report, progress).await?;
    args.setting.finish(&report)
}
