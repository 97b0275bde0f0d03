//! `ceilings`: all of them, one after the other, on a stand without nodes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use tidings_report::{Progress, Report};
use tidings_stand::{Session, Stand, StandOptions};

use crate::{
    PATIENCE, Rounds, append_loop, batched_inserts, copy_in, echo_and_commit, raw_frames, redis_pipeline,
    within,
};

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Only these.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Ceiling::value_variants().to_vec())]
    pub only: Vec<Ceiling>,
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// Of each round, in seconds.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Events that wait in the append path.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 50, 800, 3_200])]
    pub outstanding: Vec<usize>,
    /// Rows of a plain insert.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 200, 1_000])]
    pub batches: Vec<usize>,
    /// Sockets that take raw frames.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000, 10_000])]
    pub sockets: Vec<usize>,
    /// Raw frames that are written at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16])]
    pub frames: Vec<usize>,
    /// Where the report is written.
    #[arg(long, default_value = "bench-results")]
    pub out: PathBuf,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ceiling {
    /// The append path in a closed loop.
    Append,
    /// Plain batched inserts into the log's table.
    Inserts,
    /// COPY into the log's table.
    Copy,
    /// Pre-built frames over plain TCP.
    Frames,
    /// An echo round trip and one commit.
    Echo,
    /// Redis pipelines.
    Redis,
}

/// Rows of a COPY.
const COPIED: usize = 4_000;
/// Echoes a second.
const RATE: f64 = 100.0;

/// Measures them, and prints and writes the report.
pub async fn run(args: Args) -> Result<()> {
    ensure!(
        args.seconds > 0.0 && args.seconds <= 600.0,
        "a round takes up to 600 seconds"
    );
    let stand = Stand::start(&StandOptions {
        nodes: 0,
        ..StandOptions::new(PathBuf::new())
    })
    .await?;
    let mut report = Report::new("ceilings");
    let done = measure(&stand, &args, &mut report).await;
    stand.stop().await;
    done?;
    report.print();
    report.write(&args.out)
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    name_stores(stand, report).await?;
    let rounds = Rounds::of(usize::from(args.rounds), Duration::from_secs_f64(args.seconds));
    let progress = Progress::new("ceilings", args.steps());
    if args.only.contains(&Ceiling::Append) {
        for outstanding in &args.outstanding {
            progress.step(&format!("append path, {outstanding} outstanding"));
            append_loop(stand, *outstanding, &rounds).await?.report(report);
        }
    }
    if args.only.contains(&Ceiling::Inserts) {
        for batch in &args.batches {
            for connections in [1, 2] {
                progress.step(&format!("inserts of {batch}"));
                let inserts = batched_inserts(stand, *batch, connections, &rounds).await?;
                inserts.report(report);
            }
        }
    }
    if args.only.contains(&Ceiling::Copy) {
        progress.step("COPY");
        copy_in(stand, COPIED, 1, &rounds).await?.report(report);
    }
    if args.only.contains(&Ceiling::Frames) {
        for sockets in &args.sockets {
            for frames in &args.frames {
                progress.step(&format!("frames to {sockets} sockets, {frames} a write"));
                raw_frames(*sockets, *frames, &rounds).await?.report(report);
            }
        }
    }
    if args.only.contains(&Ceiling::Echo) {
        progress.step("echo and commit");
        echo_and_commit(stand, RATE, &rounds).await?.report(report);
    }
    if args.only.contains(&Ceiling::Redis) {
        progress.step("Redis");
        redis_pipeline(stand, &rounds).await?.report(report);
    }
    Ok(())
}

impl Args {
    fn steps(&self) -> u64 {
        let steps = |ceiling: &Ceiling| match ceiling {
            Ceiling::Append => self.outstanding.len(),
            Ceiling::Inserts => 2 * self.batches.len(),
            Ceiling::Frames => self.sockets.len() * self.frames.len(),
            Ceiling::Copy | Ceiling::Echo | Ceiling::Redis => 1,
        };
        self.only.iter().map(steps).sum::<usize>() as u64
    }
}

/// Adds the versions of the stand's stores to a report.
pub async fn name_stores(stand: &Stand, report: &mut Report) -> Result<()> {
    let session = Session::open(&stand.database_url().parse()?, PATIENCE).await?;
    let asking = session.query_one("SHOW server_version", &[]);
    let row = within("asking for PostgreSQL's version", asking).await?;
    let version: &str = row.try_get(0)?;
    report.version("PostgreSQL", version.split(' ').next().unwrap_or(version));

    let client = redis::Client::open(stand.redis_url())?;
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = within("connecting to Redis", connecting).await?;
    let mut asking = redis::cmd("INFO");
    let asking = asking.arg("server").query_async::<String>(&mut connection);
    let information = within("asking for Redis' version", asking).await?;
    let version = information
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"));
    report.version("Redis", version.context("Redis tells no version")?.trim());
    Ok(())
}
