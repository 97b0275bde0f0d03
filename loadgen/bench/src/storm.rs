//! `storm`: everybody drops at once, misses something, and comes back at once.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tidings_report::{Aim, Latencies, Progress, Report, millis};
use tidings_stand::{Node, Stand};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::latency::Pairs;
use crate::ledger::{Acked, Seen};
use crate::people::{self, Person, connect};
use crate::setting::{Setting, at_least_one};
use crate::wire::{Object, Socket, parse};

/// People in a group.
const GROUP: usize = 50;
/// Messages a second of those who stay, over all of them.
const OTHERS: f64 = 100.0;
/// Everything is over by then, or fails.
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 5_000)]
    clients: usize,
    /// Messages that each of them misses, all in one conversation.
    #[arg(long, default_value_t = 20)]
    missed: usize,
    /// Conversations of each, all of which it resumes.
    #[arg(long, default_value_t = 30, value_parser = at_least_one::<usize>)]
    conversations: usize,
    #[arg(long, default_value_t = 3, value_parser = at_least_one::<usize>)]
    rounds: usize,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let measuring = async |stand: &Stand, report: &mut Report| measure(stand, &args, report).await;
    args.setting.report("storm", measuring).await
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let progress = Progress::new("storm", 3 + 2 * args.rounds as u64);
    progress.step("accounts and groups");
    let people = people::register(node, args.clients).await?;
    let mut groups = vec![];
    for (number, members) in people.chunks(GROUP).enumerate() {
        let owner = people::register(node, 1).await?.remove(0);
        let everybody: Vec<Person> = std::iter::once(owner.clone())
            .chain(members.iter().cloned())
            .collect();
        let conversation = people::group(node, &format!("group {number}"), &everybody).await?;
        groups.push((conversation, owner));
    }
    // Where nothing is missed: their cursors are named and looked up all the same.
    let quiet = people::circles(node, &people, GROUP, args.conversations - 1).await?;
    let others = Pairs::gather(node, node, 20).await?;
    progress.step("everybody connects");
    let mut seqs = vec![0; people.len()];
    let (_, sockets) = come(node, &people, &groups, &quiet, &seqs, None).await?;
    let calm = node.usage();
    progress.step("the others, before");
    let (others, before) = others.run(OTHERS, Duration::from_secs(4)).await?;
    let mut others = Some(others);

    let mut sockets = Some(sockets);
    let (mut times, mut peaks) = (vec![], vec![]);
    let mut during = Latencies::new();
    for round in 0..args.rounds {
        progress.step(&format!(
            "round {}: everybody drops and misses something",
            round + 1
        ));
        drop(sockets.take());
        let mut acked = Acked::default();
        for (conversation, owner) in &groups {
            send(node, owner, *conversation, args.missed, &mut acked).await?;
        }
        acked.settle()?;
        for (seq, (conversation, _)) in seqs
            .iter_mut()
            .zip(groups.iter().flat_map(|group| [group; GROUP]))
        {
            *seq = acked.head(*conversation) - args.missed as u64;
        }
        progress.step(&format!("round {}: everybody comes back", round + 1));
        let watched = others.take().context("the others are gone")?;
        let coming = come(node, &people, &groups, &quiet, &seqs, Some((&acked, args.missed)));
        let (rested, latencies, (took, back)) = watched.during(OTHERS, coming).await?;
        peaks.push(node.usage().rss_kib as f64 / 1024.0);
        times.push(took.as_secs_f64());
        sockets = Some(back);
        others = Some(rested);
        during.merge(&latencies);
    }
    let figure = report.figure(&format!("{} clients back and synced", args.clients), "s", &times);
    if args.clients == 5_000 {
        figure.aim(Aim::AtMost(3.0));
    }
    report.figure("server's memory before", "MiB", &[calm.rss_kib as f64 / 1024.0]);
    report.figure("server's memory when all are back", "MiB", &peaks);
    report.figure(
        "others, send to delivered, p50 before",
        "ms",
        &[millis(before.quantile(0.5))],
    );
    report.figure(
        "others, send to delivered, p50 during",
        "ms",
        &[millis(during.quantile(0.5))],
    );
    report.latencies("others, send to delivered, before", &before);
    report.latencies("others, send to delivered, during", &during);
    let events = args.clients * args.missed * args.rounds;
    report.note(format!(
        "checker: PASS, {events} missed messages came to those who missed them, once, in order, and no other"
    ));
    Ok(())
}

/// Everybody connects at once, claiming to have seen up to their seqs, and all of the quiet conversations; answers how long it
/// took until the last was synced.
async fn come(
    node: &Node,
    people: &[Person],
    groups: &[(Uuid, Person)],
    quiet: &[Vec<Uuid>],
    seqs: &[u64],
    missed: Option<(&Acked, usize)>,
) -> Result<(Duration, Vec<Socket>)> {
    let start = Instant::now();
    let mut coming = JoinSet::new();
    for (number, person) in people.iter().cloned().enumerate() {
        let (address, conversation, seq) = (node.address(), groups[number / GROUP].0, seqs[number]);
        let mut cursors = BTreeMap::new();
        if missed.is_some() {
            // Of a quiet conversation there is nothing but its beginning.
            cursors.extend(quiet[number].iter().map(|quiet| (quiet.to_string(), 1)));
            cursors.insert(conversation.to_string(), seq);
        }
        coming.spawn(async move {
            let resume = json!(cursors);
            let mut socket = Socket::connect(address).await?;
            socket.hello(&person.token, "phone", &resume).await?;
            let mut seen = Seen::default();
            let mut wrong = None;
            let mut count = 0;
            socket
                .synced(|object| match parse(object) {
                    Object::Event {
                        conversation,
                        seq,
                        message: Some(message),
                    } => {
                        count += 1;
                        if let Err(error) = seen.take(conversation, seq, message) {
                            wrong = Some(error.to_string());
                        }
                    }
                    Object::Error { text } => wrong = Some(text),
                    _ => {}
                })
                .await?;
            ensure!(
                wrong.is_none(),
                "while catching up: {}",
                wrong.unwrap_or_default()
            );
            Ok::<_, anyhow::Error>((socket, seen, count))
        });
    }
    let mut sockets = Vec::with_capacity(people.len());
    let mut all = vec![];
    while let Some(done) = timeout(PATIENCE, coming.join_next())
        .await
        .context("not everybody came back")?
    {
        let (socket, seen, count) = done??;
        sockets.push(socket);
        all.push((seen, count));
    }
    let took = start.elapsed();
    if let Some((acked, missed)) = missed {
        for (seen, count) in &all {
            ensure!(
                *count == missed,
                "{count} messages came where {missed} had been missed"
            );
            acked.judge(seen)?;
        }
    }
    Ok((took, sockets))
}

/// Sends messages to a group, each after the ack of the one before.
async fn send(
    node: &Node,
    owner: &Person,
    conversation: Uuid,
    count: usize,
    acked: &mut Acked,
) -> Result<()> {
    let mut socket = connect(node.address(), owner, "laptop").await?;
    for number in 0..count {
        let message = json!({
            "type": "message.send", "conversation": conversation,
            "content": {"kind": "text", "text": format!("You have missed {number} of these.")},
        });
        let ack = people::answered(&mut socket, message).await?;
        acked.note(ack.conversation, ack.seq, ack.id);
    }
    Ok(())
}
