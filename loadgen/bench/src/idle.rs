//! `idle`: what a connection costs that nobody uses.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_report::{Aim, Progress, Report};
use tidings_stand::{Node, Stand};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::people::{self, Person, connect};
use crate::setting::{Setting, at_least_one};
use crate::wire::Socket;

/// Connections that are made at the same time.
const AT_ONCE: usize = 64;
/// People in a group.
const GROUP: usize = 50;
/// How long the node may take to end, once the accounts are made.
const STOP_LIMIT: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub struct Args {
    /// Connections in all, each of a user of its own; may be given several times, in rising order.
    #[arg(long = "connections", default_values_t = [1_000, 5_000, 10_000])]
    connections: Vec<usize>,
    /// Conversations of each user.
    #[arg(long, default_value_t = 10)]
    conversations: usize,
    /// How long they are left alone.
    #[arg(long, default_value_t = 10, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let measuring = async |stand: &Stand, report: &mut Report| measure(stand, &args, report).await;
    args.setting.report("idle", measuring).await
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let progress = Progress::new("idle", 1 + 2 * args.connections.len() as u64);
    progress.step("accounts");
    let most = args.connections.iter().copied().max().unwrap_or(0);
    let people = people::register(node, most).await?;
    people::circles(node, &people, GROUP, args.conversations).await?;
    // A new process, which has no pages free of what accounts and groups took, that connections could be given unseen.
    node.stop(STOP_LIMIT).await;
    node.launch(&[]).await?;
    node.ready().await?;
    let before = node.usage();
    let (end, ended) = watch::channel(false);
    let mut idling = JoinSet::new();
    let mut connected = 0;
    // Connections and KiB at the first count.
    let mut first: Option<(usize, f64)> = None;
    for wanted in &args.connections {
        progress.step(&format!("{wanted} connections"));
        let start = Instant::now();
        let new = &people[connected..*wanted];
        for socket in connect_all(node, new).await? {
            idling.spawn(idle(socket, ended.clone()));
        }
        let seconds = start.elapsed().as_secs_f64();
        report.figure(
            &format!("connections made, up to {wanted}"),
            "1/s",
            &[new.len() as f64 / seconds],
        );
        connected = *wanted;
        progress.step(&format!("{wanted} connections, idle"));
        let quiet = node.usage();
        tokio::time::sleep(Duration::from_secs(args.seconds)).await;
        let now = node.usage();
        let memory = now.anonymous_kib.saturating_sub(before.anonymous_kib) as f64;
        let figure = report.figure(
            &format!("anonymous memory, {wanted} connections"),
            "KiB each",
            &[memory / *wanted as f64],
        );
        if *wanted == 10_000 {
            figure.aim(Aim::AtMost(8.0));
        }
        // What the allocator keeps of the rush of those who come first is not a matter of how many there are.
        let (few, little) = *first.get_or_insert((*wanted, memory));
        if *wanted > few {
            report.figure(
                &format!("anonymous memory, from {few} to {wanted} connections"),
                "KiB each",
                &[(memory - little) / (*wanted - few) as f64],
            );
        }
        let cpu = (now - quiet).cpu().as_secs_f64() / args.seconds as f64 * 100.0;
        report.figure(&format!("processor, {wanted} connections"), "% of a core", &[cpu]);
    }
    // Receivers that have gone show their error below.
    let _ = end.send(true);
    let mut alive = 0;
    while let Some(socket) = idling.join_next().await {
        socket??;
        alive += 1;
    }
    anyhow::ensure!(alive == connected, "{} connections were lost", connected - alive);
    report.note(format!(
        "checker: PASS, {alive} connections lived to the end and answered every ping"
    ));
    report.note(format!(
        "each user is in {} conversations; before the first connection a new process held {} KiB",
        args.conversations, before.anonymous_kib
    ));
    Ok(())
}

async fn connect_all(node: &Node, people: &[Person]) -> Result<Vec<Socket>> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut connecting = JoinSet::new();
    for person in people {
        let (turns, address, person) = (Arc::clone(&turns), node.address(), person.clone());
        connecting.spawn(async move {
            let _turn = turns.acquire().await?;
            connect(address, &person, "idle").await
        });
    }
    let mut sockets = Vec::with_capacity(people.len());
    while let Some(socket) = connecting.join_next().await {
        sockets.push(socket??);
    }
    Ok(sockets)
}

/// Answers pings until told to end.
async fn idle(mut socket: Socket, mut ended: watch::Receiver<bool>) -> Result<()> {
    loop {
        tokio::select! {
            ready = socket.readable() => {
                ready?;
                socket.read(|_| {})?;
                socket.flush().await?;
            }
            _ = ended.changed() => return Ok(()),
        }
    }
}
