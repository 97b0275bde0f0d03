//! `loadgen judge`.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use tidings_journal::{check_dir, write_log};
use tidings_stand::{Node, Stand, StandOptions, find_program};

use crate::board::Counts;
use crate::plan::Size;
use crate::seam::Server;
use crate::tidings::{Export, Tidings};
use crate::upgrade::{upgrade, verify};
use crate::workload;
use crate::xmpp::{Address, Ejabberd, Xmpp};

/// A run with fewer acks than that has judged hardly anything: a message in doubt may be in the log or not.
const ACKED_PERCENT_MIN: u64 = 90;

#[derive(clap::Args)]
pub struct Args {
    /// What the server speaks.
    #[arg(long, value_enum)]
    adapter: Adapter,
    /// What the plan of the run follows from; without it, one is drawn and printed.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    size: Size,
    /// A new directory for the journals and the export of the log.
    #[arg(long)]
    out: Option<PathBuf>,
    /// tidings: base address of a running node, like `http://127.0.0.1:8080`; may be given several times. Without it,
    /// private nodes are started.
    #[arg(long = "node", value_name = "URL")]
    nodes: Vec<String>,
    /// tidings: the program for private nodes; without it, the one beside this program.
    #[arg(long)]
    program: Option<PathBuf>,
    /// tidings: another build that the private nodes begin as, to be replaced by the program while people talk, one after the
    /// other.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "nodes")]
    older: Option<PathBuf>,
    /// tidings: how many private nodes.
    #[arg(long, default_value_t = 2)]
    private_nodes: usize,
    /// tidings: read the log out of the database with `tidings export` instead of fetching it as members.
    #[arg(long)]
    export_database: bool,
    /// tidings: the database of the running nodes, for `--export-database`.
    #[arg(long, env = "TIDINGS_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// xmpp: the plain client port of a running server on this machine, like `127.0.0.1:5222`. Without it, a private
    /// ejabberd is started.
    #[arg(long, value_name = "ADDRESS")]
    server: Option<SocketAddr>,
    /// xmpp: the domain of that server's accounts.
    #[arg(long, default_value = "localhost")]
    domain: String,
    /// xmpp: the domain of its rooms [default: conference.DOMAIN].
    #[arg(long)]
    rooms: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Adapter {
    Tidings,
    Xmpp,
}

/// Runs the workload against a server, and has the checker judge what was seen.
pub async fn run(args: Args) -> Result<()> {
    let seed = args.seed.unwrap_or_else(rand::random);
    let dir = match &args.out {
        Some(dir) => dir.clone(),
        None => PathBuf::from(format!("judged-{:?}-{seed}", args.adapter).to_lowercase()),
    };
    if dir.exists() {
        bail!("{} is there already", dir.display());
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    println!("seed {seed}, journals in {}", dir.display());
    match args.adapter {
        Adapter::Tidings => judge_tidings(&args, seed, &dir).await,
        Adapter::Xmpp => judge_xmpp(&args, seed, &dir).await,
    }?;
    Ok(())
}

async fn judge_tidings(args: &Args, seed: u64, dir: &Path) -> Result<Counts> {
    let program = || args.program.clone().map_or_else(find_program, Ok);
    if !args.nodes.is_empty() {
        let export = match &args.database_url {
            Some(url) if args.export_database => Export::database(program()?, url.clone()),
            None if args.export_database => bail!("--export-database needs --database-url"),
            _ => Export::Fetch,
        };
        return judge(&Tidings::new(&args.nodes, export)?, seed, &args.size, dir).await;
    }
    let program = program()?;
    let mut options = StandOptions::new(args.older.clone().unwrap_or_else(|| program.clone()));
    options.nodes = args.private_nodes.max(1);
    let stand = Stand::start(&options).await?;
    let judged = judge_stand(args, &stand, &program, seed, dir).await;
    stand.stop().await;
    judged
}

/// Judges private nodes, and what becomes of them when they are upgraded meanwhile.
async fn judge_stand(args: &Args, stand: &Stand, program: &Path, seed: u64, dir: &Path) -> Result<Counts> {
    let nodes: Vec<String> = stand.nodes().iter().map(Node::url).collect();
    let export = if args.export_database {
        Export::database(program.to_owned(), stand.database_url())
    } else {
        Export::Fetch
    };
    let tidings = Tidings::new(&nodes, export)?;
    if args.older.is_none() {
        return judge(&tidings, seed, &args.size, dir).await;
    }
    let traffic = Duration::from_secs(args.size.seconds.into());
    let upgrading = async {
        let took = upgrade(stand, program, traffic).await?;
        ensure!(
            took < traffic,
            "people had said everything before the upgrade was done; give it more --seconds"
        );
        Ok(())
    };
    let counts = judge_beside(&tidings, seed, &args.size, dir, upgrading).await?;
    verify(stand).await?;
    Ok(counts)
}

async fn judge_xmpp(args: &Args, seed: u64, dir: &Path) -> Result<Counts> {
    if let Some(socket) = args.server {
        let rooms = args.rooms.clone();
        let address = Address {
            socket,
            domain: args.domain.clone(),
            rooms: rooms.unwrap_or_else(|| format!("conference.{}", args.domain)),
        };
        return judge(&Xmpp::new(address), seed, &args.size, dir).await;
    }
    let ejabberd = Ejabberd::start().await?;
    let judged = judge(&Xmpp::new(ejabberd.address().clone()), seed, &args.size, dir).await;
    ejabberd.stop().await;
    judged
}

/// Runs the workload of a seed against a server, writes journals and export into `dir`, and checks them. What the checker
/// finds is an error, a [`tidings_journal::CheckError`]. So is a run that does not come to rest, in which too little was acked, or in
/// which the adapter had to put the server right.
pub async fn judge<S: Server>(server: &S, seed: u64, size: &Size, dir: &Path) -> Result<Counts> {
    judge_beside(server, seed, size, dir, async { Ok(()) }).await
}

/// As [`judge`], while something else happens: it begins with the traffic, and its error is the run's.
pub async fn judge_beside<S: Server>(
    server: &S,
    seed: u64,
    size: &Size,
    dir: &Path,
    beside: impl Future<Output = Result<()>>,
) -> Result<Counts> {
    let outcome = workload::run(server, seed, size, dir, beside).await?;
    let counts = outcome.counts;
    println!(
        "{} messages sent, {} of them again, {} acked, {} refused; {} deliveries; {} connections, {} ended by the server",
        counts.sent,
        counts.repeated,
        counts.acked,
        counts.refused,
        counts.delivered,
        counts.connections,
        counts.broken,
    );
    if let Some(reason) = outcome.broken {
        println!("the server ended a connection: {reason}");
    }
    let log = dir.join("log.jsonl");
    write_log(&log, &outcome.export).with_context(|| format!("cannot write {}", log.display()))?;
    // What the checker can show says more than that a run never ended.
    println!("{}", check_dir(dir, &log)?);
    if let Some(restless) = outcome.restless {
        bail!("the run did not come to rest: {restless}");
    }
    if counts.corrected > 0 {
        bail!(
            "the adapter put the server right {} times, where no journal shows it",
            counts.corrected
        );
    }
    if counts.acked * 100 < counts.sent * ACKED_PERCENT_MIN {
        bail!(
            "only {} of {} messages were acked; what is in doubt proves little",
            counts.acked,
            counts.sent
        );
    }
    Ok(counts)
}
