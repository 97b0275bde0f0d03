//! `loadgen check`.

use std::path::PathBuf;

use crate::checker::check_dir;

#[derive(clap::Args)]
pub struct Args {
    /// A directory of journals, `*.journal.jsonl` or `*.journal.jsonl.gz`.
    dir: PathBuf,
    /// The export of the log; without it, `log.jsonl` or `log.jsonl.gz` in the same directory.
    #[arg(long)]
    export: Option<PathBuf>,
}

/// Checks journals against an export of the log, and says how much it checked.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let export = args.export.unwrap_or_else(|| {
        let plain = args.dir.join("log.jsonl");
        if plain.exists() {
            plain
        } else {
            args.dir.join("log.jsonl.gz")
        }
    });
    println!("{}", check_dir(&args.dir, &export)?);
    Ok(())
}
