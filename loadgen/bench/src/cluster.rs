//! `cluster`: what it costs that two people, or the members of a group, are at different nodes.

use std::time::Duration;

use anyhow::{Result, ensure};
use tidings_ceilings::{Rounds, raw_frames_in_flight};
use tidings_report::{Latencies, Progress, Report, millis};
use tidings_stand::{Node, Stand};

use crate::fanout::{Crowd, Load, Shape};
use crate::latency::Pairs;
use crate::setting::{Setting, at_least_one};

#[derive(clap::Args)]
pub struct Args {
    /// Pairs of people that write to each other.
    #[arg(long, default_value_t = 20)]
    pairs: usize,
    /// Messages a second over all pairs; may be given several times.
    #[arg(long = "rate", default_values_t = [100.0, 1_000.0])]
    rates: Vec<f64>,
    /// Members of a group, all online, half of them at each node.
    #[arg(long, default_value_t = 1_000)]
    members: usize,
    /// Members that write at the same time, half of them at each node.
    #[arg(long, default_value_t = 4)]
    senders: usize,
    #[arg(long, default_value_t = 3, value_parser = at_least_one::<usize>)]
    rounds: usize,
    /// Of each round.
    #[arg(long, default_value_t = 6, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of two nodes.
pub async fn run(args: Args) -> Result<()> {
    let mut report = Report::new("cluster");
    let measuring = async |stand: &Stand, report: &mut Report| {
        let [one, two] = stand.nodes() else {
            anyhow::bail!("a stand of two nodes has {}", stand.nodes().len());
        };
        let steps = 2 * args.rounds * args.rates.len() + 3 * (args.rounds + 1);
        let progress = Progress::new("cluster", steps as u64);
        latencies(one, two, &args, report, &progress).await?;
        deliveries(one, two, &args, report, &progress).await
    };
    args.setting.measure_nodes(2, &mut report, measuring).await?;
    args.setting.finish(&report)
}

/// From a sender to a recipient at the same node and at the other, in turns.
async fn latencies(
    one: &Node,
    two: &Node,
    args: &Args,
    report: &mut Report,
    progress: &Progress,
) -> Result<()> {
    let length = Duration::from_secs(args.seconds);
    let mut near = Pairs::gather(one, one, args.pairs).await?;
    let mut far = Pairs::gather(one, two, args.pairs).await?;
    for rate in &args.rates {
        let mut all = [Latencies::new(), Latencies::new()];
        let mut medians = [vec![], vec![]];
        for round in 1..=args.rounds {
            for (place, (pairs, where_to)) in [(&mut near, "one node"), (&mut far, "two nodes")]
                .into_iter()
                .enumerate()
            {
                progress.step(&format!("{rate} messages a second at {where_to}, round {round}"));
                let delivered = pairs.delivered(*rate, length).await?;
                medians[place].push(millis(delivered.quantile(0.5)));
                all[place].merge(&delivered);
            }
        }
        let name = |where_to| format!("send to delivered {where_to} at {rate}/s");
        let [at_one, from_one_to_two] = medians;
        report.figure(&format!("{}, p50", name("at one node")), "ms", &at_one);
        report
            .figure(
                &format!("{}, p50", name("from node to node")),
                "ms",
                &from_one_to_two,
            )
            .ratio_to("at one node", &at_one);
        report.latencies(&name("at one node"), &all[0]);
        report.latencies(&name("from node to node"), &all[1]);
    }
    Ok(())
}

/// To a group whose members are at one node and to one whose members are at both, in turns, beside raw frames.
async fn deliveries(
    one: &Node,
    two: &Node,
    args: &Args,
    report: &mut Report,
    progress: &Progress,
) -> Result<()> {
    ensure!(args.senders <= args.members, "more senders than members");
    let length = Duration::from_secs(args.seconds);
    let shape = Shape {
        rooms: 1,
        members: args.members,
        loads: vec![],
    };
    let load = Load {
        senders: args.senders,
        window: 1,
    };
    let mut crowds = [
        Crowd::gather(&[one], &shape).await?,
        Crowd::gather(&[one, two], &shape).await?,
    ];
    for crowd in &mut crowds {
        progress.step("a group warms up");
        crowd.round(&load, None, length / 2).await?;
    }
    let (mut rates, mut last) = ([vec![], vec![]], [Latencies::new(), Latencies::new()]);
    let mut raw = vec![];
    for round in 1..=args.rounds {
        for (place, crowd) in crowds.iter_mut().enumerate() {
            progress.step(&format!(
                "{} members at {} nodes, round {round}",
                args.members,
                place + 1
            ));
            let outcome = crowd.round(&load, None, length).await?;
            rates[place].push(outcome.deliveries_per_s);
            last[place].merge(&outcome.latencies[2]);
        }
        progress.step(&format!("raw frames, round {round}"));
        let short = Rounds::of(1, length / 2);
        let frames = raw_frames_in_flight(shape.sockets(), load.in_flight(), &short).await?;
        raw.extend(frames.frames_per_s);
    }
    let ceiling = format!("raw frames, {} in flight", load.in_flight());
    for (place, crowd) in crowds.iter_mut().enumerate() {
        let name = format!(
            "{} members at {} nodes, {} senders",
            args.members,
            place + 1,
            args.senders
        );
        let figure = report.figure(&format!("deliveries, {name}"), "1/s", &rates[place]);
        if place == 0 {
            figure.below(&ceiling, &raw);
        } else {
            figure.ratio_to("the same at one node", &rates[0]);
        }
        report.latencies(
            &format!("to the last of {name}, as fast as it goes"),
            &last[place],
        );
        report.note(format!("{name}: checker: PASS, {}", crowd.judge()?));
    }
    Ok(())
}
