//! `fanout`: how many deliveries a second one node makes to the members of large groups, and how long the last one waits.

mod member;
mod room;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_ceilings::{Rounds, raise_file_limit, raw_frames_in_flight};
use tidings_report::{Aim, Latencies, Progress, Report};
use tidings_stand::{Node, Stand};
use tokio::sync::{Barrier, Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::ledger::Acked;
use crate::pacer::Pacer;
use crate::people;
use crate::setting::{Setting, at_least_one};
use member::Member;
use room::Room;

/// Connections that are made at the same time.
const AT_ONCE: usize = 64;
/// Files besides the sockets of members and raw frames.
const FILES: u64 = 1_000;
/// How long a machine may stand still before anything comes, and how often that is looked for.
const STANDSTILL: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(50);

#[derive(clap::Args)]
pub struct Args {
    /// Members of the one group, all of them online; may be given several times.
    #[arg(long = "members", default_values_t = [1_000, 5_000, 10_000])]
    members: Vec<usize>,
    /// Members that write at the same time, each its next message when one has reached everybody; may be given several
    /// times.
    #[arg(long = "senders", default_values_t = [1, 4])]
    senders: Vec<usize>,
    /// Groups of 50 with one sender each, besides the one group.
    #[arg(long, default_value_t = 20)]
    rooms: usize,
    /// Messages that a sender of those groups has in flight: sent, and not yet with everybody.
    #[arg(long, default_value_t = 8)]
    window: usize,
    #[arg(long, default_value_t = 3, value_parser = at_least_one::<usize>)]
    rounds: usize,
    /// Of each round.
    #[arg(long, default_value_t = 4, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on stands of its own, one for each size.
pub async fn run(args: Args) -> Result<()> {
    let mut report = Report::new("fanout");
    let shapes = args.members.iter().map(|members| Shape {
        rooms: 1,
        members: *members,
        loads: args
            .senders
            .iter()
            .map(|senders| Load {
                senders: *senders,
                window: 1,
            })
            .collect(),
    });
    let many = (args.rooms > 0).then(|| Shape {
        rooms: args.rooms,
        members: 50,
        loads: vec![Load {
            senders: 1,
            window: args.window,
        }],
    });
    for shape in shapes.chain(many) {
        let measuring =
            async |stand: &Stand, report: &mut Report| measure(stand, &args, &shape, report).await;
        args.setting.measure(&mut report, measuring).await?;
    }
    args.setting.finish(&report)
}

/// Groups of one size.
pub(crate) struct Shape {
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    pub(crate) loads: Vec<Load>,
}

/// Who writes in each group, and how much at once.
pub(crate) struct Load {
    pub(crate) senders: usize,
    pub(crate) window: usize,
}

impl Shape {
    fn name(&self, load: &Load) -> String {
        match (self.rooms, load.senders) {
            (1, 1) => format!("{} members, 1 sender", self.members),
            (1, senders) => format!("{} members, {senders} senders", self.members),
            (rooms, _) => format!("{rooms} groups of {}, {} in flight", self.members, load.window),
        }
    }

    pub(crate) fn sockets(&self) -> usize {
        self.rooms * self.members
    }

    /// Whether raw frames to as many sockets can take turns with the rounds: then the members' sockets and both ends of
    /// the others are files of this process.
    fn takes_turns(&self) -> Result<bool> {
        Ok(3 * self.sockets() as u64 + FILES <= raise_file_limit()?)
    }
}

impl Load {
    /// Messages that one group has on their way. As many frames may be on their way to the raw sockets.
    pub(crate) fn in_flight(&self) -> usize {
        self.senders * self.window
    }
}

async fn measure(stand: &Stand, args: &Args, shape: &Shape, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let length = Duration::from_secs(args.seconds);
    let sockets = shape.sockets();
    let early = !shape.takes_turns()?;
    let steps = 1 + shape.loads.len() * (args.rounds + 2 + usize::from(early));
    let progress = Progress::new("fanout", steps as u64);
    let mut before = vec![];
    if early {
        for load in &shape.loads {
            progress.step(&format!("raw frames to {sockets} sockets"));
            let rounds = Rounds::of(args.rounds, length);
            before.push(
                raw_frames_in_flight(sockets, load.in_flight(), &rounds)
                    .await?
                    .frames_per_s,
            );
        }
    }
    progress.step(&format!("{} x {} members connect", shape.rooms, shape.members));
    let mut crowd = Crowd::gather(&[node], shape).await?;
    for (place, load) in shape.loads.iter().enumerate() {
        let name = shape.name(load);
        progress.step(&format!("{name}: warming up"));
        crowd.round(load, None, length / 2).await?;
        let (mut rates, mut raw) = (vec![], before.get(place).cloned().unwrap_or_default());
        for round in 1..=args.rounds {
            progress.step(&format!("{name}, round {round}"));
            rates.push(crowd.round(load, None, length).await?.deliveries_per_s);
            if !early {
                let round = Rounds::of(1, length / 2);
                raw.extend(
                    raw_frames_in_flight(sockets, load.in_flight(), &round)
                        .await?
                        .frames_per_s,
                );
            }
        }
        let ceiling = format!("raw frames, {} in flight", load.in_flight());
        report.figure(&format!("{ceiling}, beside {name}"), "1/s", &raw);
        let figure = report.figure(&format!("deliveries, {name}"), "1/s", &rates);
        figure.below(&ceiling, &raw);
        if (shape.rooms == 1 && shape.members == 5_000 && load.senders == 4)
            || (shape.rooms == 20 && load.window == 8)
        {
            figure.aim(Aim::AtLeast(0.85));
        }
        // Half of what it can do, so that what is measured is no queue.
        let rate = rates.iter().copied().fold(f64::INFINITY, f64::min) / 2.0 / shape.members as f64;
        progress.step(&format!("{name}, {rate:.1} messages a second"));
        let paced = crowd.round(load, Some(rate), length).await?;
        for (which, latencies) in ["first", "median", "last"].into_iter().zip(&paced.latencies) {
            report.latencies(
                &format!("to the {which} of {name}, {rate:.0} messages/s"),
                latencies,
            );
        }
    }
    report.note(format!(
        "{} x {}: checker: PASS, {}",
        shape.rooms,
        shape.members,
        crowd.judge()?
    ));
    Ok(())
}

/// What a round came to.
pub(crate) struct Outcome {
    pub(crate) deliveries_per_s: f64,
    /// To the first, the median and the last recipient, from when a message was to be sent.
    pub(crate) latencies: [Latencies; 3],
}

/// All members of all groups, connected.
pub(crate) struct Crowd {
    members: Vec<Member>,
    rooms: Vec<Arc<Room>>,
    size: usize,
    acked: Acked,
}

impl Crowd {
    /// Everybody connects; members of one group take turns with the nodes.
    pub(crate) async fn gather(nodes: &[&Node], shape: &Shape) -> Result<Self> {
        let node = nodes.first().context("no node")?;
        let people = people::register(node, shape.rooms * shape.members).await?;
        let mut rooms = vec![];
        let mut connecting = JoinSet::new();
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let everybody = Arc::new(Barrier::new(people.len()));
        for (number, people) in people.chunks(shape.members).enumerate() {
            let conversation = people::group(node, &format!("group {number}"), people).await?;
            let room = Arc::new(Room::new(conversation, shape.members));
            rooms.push(Arc::clone(&room));
            for (place, person) in people.iter().cloned().enumerate() {
                let (turns, room) = (Arc::clone(&turns), Arc::clone(&room));
                let address = nodes[place % nodes.len()].address();
                let everybody = Arc::clone(&everybody);
                connecting.spawn(async move {
                    let turn = turns.acquire().await?;
                    let mut member = Member::connect(address, &person, room, place).await?;
                    drop(turn);
                    member.wait_for(everybody.wait()).await?;
                    Ok::<_, anyhow::Error>(member)
                });
            }
        }
        let mut members = Vec::with_capacity(people.len());
        while let Some(member) = connecting.join_next().await {
            members.push(member??);
        }
        members.sort_by_key(Member::place);
        Ok(Self {
            members,
            rooms,
            size: shape.members,
            acked: Acked::default(),
        })
    }

    /// Lets the senders write for `length`, as fast as the last recipients allow or at a rate over all groups, and waits until
    /// the last message has reached the last member. Where it is as fast as that and nothing has come by then, it lasts until something has.
    pub(crate) async fn round(
        &mut self,
        load: &Load,
        rate: Option<f64>,
        length: Duration,
    ) -> Result<Outcome> {
        for room in &self.rooms {
            room.begin(load.in_flight(), rate.is_some());
        }
        let (end, ended) = watch::channel(false);
        let mut turns = vec![];
        let mut running = JoinSet::new();
        for member in self.members.drain(..) {
            let sends = member.place() < load.senders;
            let calls = (sends && rate.is_some()).then(|| {
                let (turn, calls) = mpsc::channel(1_024);
                turns.push(turn);
                calls
            });
            running.spawn(member.run(sends, calls, ended.clone()));
        }
        let deliveries = |rooms: &[Arc<Room>]| -> u64 { rooms.iter().map(|room| room.deliveries()).sum() };
        let before = deliveries(&self.rooms);
        let start = tokio::time::Instant::now();
        let pacer = rate.map(|rate| Pacer::start(rate, length, turns));
        tokio::time::sleep(length).await;
        while rate.is_none() && deliveries(&self.rooms) == before && start.elapsed() < length + STANDSTILL {
            tokio::time::sleep(LOOK).await;
        }
        let after = deliveries(&self.rooms);
        let seconds = start.elapsed().as_secs_f64();
        drop(pacer);
        for room in &self.rooms {
            room.stop_sending();
        }
        for room in &self.rooms {
            room.settled().await?;
        }
        // Everybody reads until told; receivers that have gone show their error below.
        let _ = end.send(true);
        while let Some(done) = running.join_next().await {
            let (member, acked) = done??;
            self.members.push(member);
            self.acked.merge(acked);
        }
        self.members.sort_by_key(Member::place);
        let mut latencies = [Latencies::new(), Latencies::new(), Latencies::new()];
        for room in &self.rooms {
            room.latencies(&mut latencies);
        }
        Ok(Outcome {
            deliveries_per_s: (after - before) as f64 / seconds,
            latencies,
        })
    }

    /// Sees that every member was sent exactly what was acked, in that order. Answers what was looked at.
    pub(crate) fn judge(&mut self) -> Result<String> {
        self.acked.settle()?;
        for member in &self.members {
            self.acked.judge(member.seen())?;
        }
        let messages = self.acked.count();
        Ok(format!(
            "{messages} messages, each delivered to {} members once, in order",
            self.size
        ))
    }
}
