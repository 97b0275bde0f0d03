//! Load generator and correctness checker for Tidings.

mod bench;
mod corpus;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Talks to running Tidings nodes like many people do, and checks that nothing went amiss.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Subcommand)]
enum Workload {
    /// Every workload that measures, one after the other.
    Bench(bench::Args),
    /// How many messages a second become durable, and how long an ack takes.
    Accept(tidings_bench::accept::Args),
    /// Whether a node accepts for minutes what it accepts for seconds.
    Sustained(tidings_bench::sustained::Args),
    /// How many deliveries a second the members of large groups get, and how long the last one waits.
    Fanout(tidings_bench::fanout::Args),
    /// How long a message takes when there is little to do.
    Latency(tidings_bench::latency::Args),
    /// What a message costs when there is little to do: processor, transactions, WAL, bytes on disk.
    Modest(tidings_bench::modest::Args),
    /// How long small GraphQL queries take: a page of history, and who one is.
    Queries(tidings_bench::queries::Args),
    /// What it costs that people are at different nodes.
    Cluster(tidings_bench::cluster::Args),
    /// What a connection costs that nobody uses.
    Idle(tidings_bench::idle::Args),
    /// Everybody drops at once and comes back at once.
    Storm(tidings_bench::storm::Args),
    /// How long pages, lists and counts take in short logs and in long ones.
    History(tidings_scale::history::Args),
    /// What a long log costs those who write: acks, rows, and the time to start.
    Growth(tidings_scale::growth::Args),
    /// `history` and `growth` on the same logs.
    Long(tidings_scale::long::Args),
    /// What a large group that has changed a million times costs those who share its lane.
    Changes(tidings_scale::changes::Args),
    /// How fast messages become something that can be found, and how long it takes to find them.
    Search(tidings_scale::search::Args),
    /// How fast read models are rebuilt while a node serves, and how long acks take meanwhile.
    Rebuild(tidings_scale::rebuild::Args),
    /// What the parts of this machine can do at best.
    Ceilings(tidings_ceilings::Args),
    /// Decides from what clients saw and an export of the log whether anything went amiss.
    Check(tidings_journal::Args),
    /// Breaks servers under traffic by schedules made from seeds, and checks what clients saw.
    Chaos(tidings_chaos::Args),
    /// Puts a chat server under traffic and its clients' journals under the checker.
    Judge(tidings_judge::Args),
    /// Feeds a chat log through real sockets and checks history, deliveries, unread counts and inboxes.
    Corpus(corpus::Args),
    /// Reads raw frames for a process that has no files left for both ends of its sockets.
    #[command(hide = true)]
    FrameReader,
}

#[tokio::main]
async fn main() -> ExitCode {
    // The HTTP client takes the process's provider. That one is there already would be as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = Box::pin(Cli::parse().workload.run()).await;
    match outcome {
        Ok(()) => {
            println!("PASS");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            println!("FAIL");
            ExitCode::FAILURE
        }
    }
}

impl Workload {
    async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Bench(args) => bench::run(args).await,
            Self::Accept(args) => tidings_bench::accept::run(args).await,
            Self::Fanout(args) => tidings_bench::fanout::run(args).await,
            Self::Latency(args) => tidings_bench::latency::run(args).await,
            Self::Modest(args) => tidings_bench::modest::run(args).await,
            Self::Queries(args) => tidings_bench::queries::run(args).await,
            Self::Idle(args) => tidings_bench::idle::run(args).await,
            Self::Cluster(args) => tidings_bench::cluster::run(args).await,
            Self::Sustained(args) => tidings_bench::sustained::run(args).await,
            Self::Storm(args) => tidings_bench::storm::run(args).await,
            Self::History(args) => tidings_scale::history::run(args).await,
            Self::Growth(args) => tidings_scale::growth::run(args).await,
            Self::Long(args) => tidings_scale::long::run(args).await,
            Self::Changes(args) => tidings_scale::changes::run(args).await,
            Self::Search(args) => tidings_scale::search::run(args).await,
            Self::Rebuild(args) => tidings_scale::rebuild::run(args).await,
            Self::Ceilings(args) => tidings_ceilings::run(args).await,
            Self::Check(args) => tidings_journal::run(args).await,
            Self::Chaos(args) => tidings_chaos::run(args).await,
            Self::Judge(args) => tidings_judge::run(args).await,
            Self::Corpus(args) => corpus::run(args).await,
            Self::FrameReader => tidings_ceilings::frame_reader().await,
        }
    }
}
