//! What the parts of this machine can do at best, measured in the same run as what stands beside it.

mod append;
mod echo;
mod frames;
mod inserts;
mod pipeline;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use tidings_stand::{Stand, StandOptions, find_program};

use crate::report::{Progress, Report};

pub use append::append_loop;
pub use echo::{EchoAndCommit, echo_and_commit};
pub use frames::raw_frames;
pub use inserts::{batched_inserts, copy_in};
pub use pipeline::redis_pipeline;

/// As much as an event of a chat message holds.
pub(crate) const PAYLOAD: usize = 200;
/// As much as a frame with such an event takes.
pub(crate) const FRAME: usize = 360;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Of each round of each ceiling.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// The `tidings` program; without it, the one beside this program.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the report is written.
    #[arg(long, default_value = "bench-results")]
    out: PathBuf,
}

/// Measures all of them on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    crate::fanout::raise_file_limit();
    let program = args.program.clone().map_or_else(find_program, Ok)?;
    let stand = Stand::start(&StandOptions::new(program)).await?;
    let mut report = Report::new("ceilings");
    let done = measure(&stand, &args, &mut report).await;
    stand.stop().await;
    done?;
    report.print();
    report.write(&args.out)
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let length = Duration::from_secs(args.seconds);
    let progress = Progress::new("ceilings", 12);
    for outstanding in [4, 50, 800, 3_200] {
        progress.step(&format!("append path, {outstanding} outstanding"));
        let mut rounds = vec![];
        for _ in 0..args.rounds {
            rounds.push(append_loop(stand, outstanding, length).await?);
        }
        report.figure(
            &format!("append path, {outstanding} outstanding"),
            "events/s",
            &rounds,
        );
    }
    for batch in [50, 400, 1_000] {
        progress.step(&format!("inserts of {batch}"));
        let mut rounds = vec![];
        for _ in 0..args.rounds {
            rounds.push(batched_inserts(stand, batch, length).await?);
        }
        report.figure(
            &format!("plain inserts into event, {batch} at once"),
            "rows/s",
            &rounds,
        );
    }
    progress.step("copy");
    let mut rounds = vec![];
    for _ in 0..args.rounds {
        rounds.push(copy_in(stand, 4_000, length).await?);
    }
    report.figure("COPY into event, 4,000 at once", "rows/s", &rounds);
    for (sockets, frames) in [(1_000, 1), (5_000, 1), (1_000, 16)] {
        progress.step(&format!("frames to {sockets} sockets, {frames} a write"));
        let mut rounds = vec![];
        for _ in 0..args.rounds {
            rounds.push(raw_frames(sockets, frames, length).await?);
        }
        report.figure(
            &format!("raw frames to {sockets} sockets, {frames} a write"),
            "frames/s",
            &rounds,
        );
    }
    progress.step("echo and commit");
    let times = echo_and_commit(stand, 100.0, length * 2).await?;
    report.latencies("echo at 100/s", &times.echo);
    report.latencies("one group commit at 100/s", &times.commit);
    report.latencies("echo and one group commit at 100/s", &times.both);
    progress.step("Redis");
    let mut rounds = vec![];
    for _ in 0..args.rounds {
        rounds.push(redis_pipeline(stand, length).await?);
    }
    report.figure("XADD in pipelines of 100", "entries/s", &rounds);
    Ok(())
}
