//! Every workload that measures, one after the other, into one directory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;
use tidings_report::Summary;

use crate::Cli;

/// In the order in which they run, with the reports that each writes.
const WORKLOADS: [(&str, &[&str]); 11] = [
    ("ceilings", &["ceilings"]),
    ("accept", &["accept"]),
    ("fanout", &["fanout"]),
    ("latency", &["latency"]),
    ("modest", &["modest"]),
    ("queries", &["queries"]),
    ("cluster", &["cluster"]),
    ("idle", &["idle"]),
    ("storm", &["storm"]),
    ("sustained", &["sustained"]),
    ("long", &["history", "growth"]),
];

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
    for (workload, reports) in WORKLOADS {
        for report in reports {
            remove_report(&args.out, report)?;
        }
        let line = Cli::try_parse_from(["tidings-loadgen", workload, "--out", &out])?;
        if let Err(error) = Box::pin(line.workload.run()).await {
            eprintln!("{workload}: {error:#}");
            failed.push(workload);
        }
    }
    if failed.len() < WORKLOADS.len() {
        Summary::read(&args.out)?.write_markdown(&args.out)?;
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// A workload that fails shall not leave the report of an earlier run among the results.
fn remove_report(dir: &Path, report: &str) -> Result<()> {
    for ending in ["json", "svg"] {
        let path = dir.join(format!("{report}.{ending}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.with_context(|| format!("cannot remove {}", path.display()))?,
        }
    }
    Ok(())
}
