//! Every workload that measures, one after the other, into one directory.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;

use crate::Cli;

/// In the order in which they run.
const WORKLOADS: [&str; 6] = ["ceilings", "accept", "fanout", "latency", "idle", "storm"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the reports are written; `results.md` there holds all of them.
    #[arg(long, default_value = "bench-results")]
    out: PathBuf,
}

/// Runs them with their defaults. A workload that fails does not keep the others from running.
pub(crate) async fn run(args: Args) -> Result<()> {
    let out = args.out.display().to_string();
    let mut failed = vec![];
    for workload in WORKLOADS {
        let line = Cli::try_parse_from(["tidings-loadgen", workload, "--out", &out])?;
        if let Err(error) = Box::pin(line.workload.run()).await {
            eprintln!("{workload}: {error:#}");
            failed.push(workload);
        }
    }
    let mut results = String::from("# Results\n\nMade by `tidings-loadgen bench`.\n\n");
    for workload in WORKLOADS.iter().filter(|workload| !failed.contains(*workload)) {
        let path = args.out.join(format!("{workload}.md"));
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        results.push_str(&text);
        if args.out.join(format!("{workload}.svg")).is_file() {
            // Writing to a String cannot fail.
            let _ = writeln!(results, "\n![{workload}]({workload}.svg)");
        }
        results.push('\n');
    }
    fs::write(args.out.join("results.md"), results)?;
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}
