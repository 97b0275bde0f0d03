//! What can go wrong, and what it happens to.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt as _};

use crate::hostile::Hostility;

/// Nodes of every run.
pub const NODES: usize = 3;
/// Devices that speak to the server without the client library.
pub const BARE: usize = 4;
/// Those of them whose person has no other device.
pub const ALONE: Range<usize> = 2..BARE;
/// Devices with the client library that can be slow to take what comes, or away. Their people have another device each.
pub const SLOW: usize = 6;

/// The most lanes that a run begins with.
pub(crate) const LANES_MAX: u16 = 4;

/// A fault. Those that last are undone when their time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL; started again at the end.
    KillNode {
        node: usize,
    },
    /// SIGTERM, so that it drains; started again at the end.
    DrainNode {
        node: usize,
    },
    /// All nodes stop, and one of them comes first as a version that does not know a kind of events: it folds alone, until it
    /// meets the kind. Then come the others, and in the end it as it was.
    OlderNode {
        node: usize,
        kind: &'static str,
    },
    /// SIGSTOP, then SIGCONT.
    PauseNode {
        node: usize,
    },
    /// The wall clock jumps, and back at the end.
    StepClock {
        node: usize,
        seconds: i64,
    },
    /// Immediate stop, then a start with recovery.
    StopPostgres,
    /// SIGKILL of all its processes, then a start with recovery.
    KillPostgres,
    PausePostgres,
    /// All sessions of the nodes end.
    TerminateBackends,
    /// SIGKILL when folds are committed that nothing has flushed, then a start with recovery. Clients lose their connections
    /// too and come back at once, some on devices that know nothing.
    CrashBeforeFlush,
    /// Nothing can be written to PostgreSQL.
    ReadOnlyPostgres,
    /// Nobody else can use this table.
    LockTable {
        table: &'static str,
    },
    /// An older back-up takes the place of the log, under the same Redis and under nodes that run or are stopped for it; then
    /// `tidings recover`.
    Restore {
        stopped: bool,
    },
    /// The log gets so many lanes in all while the nodes run.
    AddLanes {
        lanes: u16,
    },
    /// `FLUSHALL`.
    FlushRedis,
    /// SIGKILL, then an empty start.
    KillRedis,
    PauseRedis,
    /// Something about the path from a node to a store, or from clients to a node.
    Link {
        node: usize,
        end: End,
        weather: Weather,
    },
    /// All clients lose their connections at once and come back at once.
    ReconnectStorm,
    /// A device reads nothing from its socket while somebody floods it.
    StallReader {
        bare: usize,
    },
    /// A device takes its time over each event.
    SlowReader {
        device: usize,
        pause_ms: u64,
    },
    /// A device is lost, and its person comes back with a new one that knows nothing.
    Replace {
        bare: usize,
    },
    /// A device goes away with what it knows and comes back, while another one of the person goes on.
    Away {
        device: usize,
    },
    /// A person is removed from a group while their only device is away.
    Remove {
        bare: usize,
        /// Whether the device comes back with what it knew.
        keeps: bool,
        /// Whether the person is let in again before.
        again: bool,
    },
    /// The network dies under a new device of somebody's when it has been caught up with so many bytes; then comes another.
    CutCatchUp {
        bare: usize,
        bytes: u64,
    },
    /// Some clients misbehave at a node.
    Hostile {
        node: usize,
        how: Hostility,
    },
    /// The same commands go to all nodes at the same time, and again later.
    RetryStorm {
        commands: usize,
    },
    /// Two people open their conversation at the same moment.
    OpenTogether,
}

/// The other end of a path to or from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Postgres,
    Redis,
    Clients,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Connections break, and new ones too.
    Cut,
    /// Nothing gets through, and nothing breaks.
    Stalled,
    /// Nothing gets through, and what was open then stays so for good: packets are dropped, and nobody is told.
    Silent,
    /// Everything comes later.
    Delayed { ms: u64 },
}

/// What a fault happens to. No two faults happen to one thing at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Node(usize),
    Clock(usize),
    Postgres,
    Redis,
    Lanes,
    /// For ever: a run knows of one back-up.
    TimeLine,
    Link(usize, End),
    Bare(usize),
    Device(usize),
    Retries,
    Hostile,
}

/// Kinds of faults, for drawing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    KillNode,
    DrainNode,
    OlderNode,
    PauseNode,
    StepClock,
    StopPostgres,
    KillPostgres,
    PausePostgres,
    TerminateBackends,
    CrashBeforeFlush,
    ReadOnlyPostgres,
    LockTable,
    Restore,
    AddLanes,
    FlushRedis,
    KillRedis,
    PauseRedis,
    Link(End),
    ReconnectStorm,
    StallReader,
    SlowReader,
    Replace,
    Away,
    Remove,
    CutCatchUp,
    Hostile,
    RetryStorm,
    OpenTogether,
}

/// Tables whose lock is felt: the log's own, the marks of the read models, and one of each read model that connects and reads
/// ask.
const TABLES: [&str; 8] = [
    "event",
    "log_lane",
    "stream",
    "projection_checkpoint",
    "p_conversations.conversation",
    "p_history_2.message",
    "p_inbox.cursor",
    "p_unread_2.own_position",
];

/// Kinds that a node is made to know no more. The read models that connecting waits for look at them.
const KINDS: [&str; 1] = ["cursors.moved"];

impl Kind {
    /// One of each; what is more likely to find something stands there twice.
    pub(crate) const BAG: [Self; 39] = [
        Self::KillNode,
        Self::KillNode,
        Self::DrainNode,
        Self::OlderNode,
        Self::PauseNode,
        Self::PauseNode,
        Self::StepClock,
        Self::StopPostgres,
        Self::KillPostgres,
        Self::PausePostgres,
        Self::TerminateBackends,
        Self::CrashBeforeFlush,
        Self::ReadOnlyPostgres,
        Self::LockTable,
        Self::LockTable,
        Self::Restore,
        Self::AddLanes,
        Self::FlushRedis,
        Self::KillRedis,
        Self::PauseRedis,
        Self::Link(End::Postgres),
        Self::Link(End::Postgres),
        Self::Link(End::Redis),
        Self::Link(End::Clients),
        Self::ReconnectStorm,
        Self::StallReader,
        Self::SlowReader,
        Self::Replace,
        Self::Replace,
        Self::Away,
        Self::Remove,
        Self::Remove,
        Self::CutCatchUp,
        Self::CutCatchUp,
        Self::Hostile,
        Self::Hostile,
        Self::RetryStorm,
        Self::RetryStorm,
        Self::OpenTogether,
    ];

    /// A fault of this kind, and for how many milliseconds.
    pub(crate) fn draw(self, random: &mut StdRng) -> (Fault, Duration) {
        let node = random.random_range(0..NODES);
        let (fault, ms): (Fault, RangeInclusive<u64>) = match self {
            Self::KillNode => (Fault::KillNode { node }, 0..=2000),
            Self::DrainNode => (Fault::DrainNode { node }, 0..=1500),
            Self::OlderNode => {
                let kind = KINDS[random.random_range(0..KINDS.len())];
                (Fault::OlderNode { node, kind }, 500..=2000)
            }
            Self::PauseNode => (Fault::PauseNode { node }, 100..=4000),
            Self::StepClock => {
                let seconds = random.random_range(2..=600);
                let seconds = if random.random() { seconds } else { -seconds };
                (Fault::StepClock { node, seconds }, 1500..=5000)
            }
            Self::StopPostgres => (Fault::StopPostgres, 0..=1500),
            Self::KillPostgres => (Fault::KillPostgres, 0..=1500),
            Self::PausePostgres => (Fault::PausePostgres, 100..=3000),
            Self::TerminateBackends => (Fault::TerminateBackends, 0..=0),
            Self::CrashBeforeFlush => (Fault::CrashBeforeFlush, 0..=500),
            Self::ReadOnlyPostgres => (Fault::ReadOnlyPostgres, 500..=3000),
            Self::LockTable => {
                let table = TABLES[random.random_range(0..TABLES.len())];
                (Fault::LockTable { table }, 500..=4000)
            }
            Self::Restore => {
                let stopped = random.random();
                (Fault::Restore { stopped }, 500..=2500)
            }
            Self::AddLanes => {
                let lanes = random.random_range(LANES_MAX + 1..=2 * LANES_MAX);
                (Fault::AddLanes { lanes }, 0..=0)
            }
            Self::FlushRedis => (Fault::FlushRedis, 0..=0),
            Self::KillRedis => (Fault::KillRedis, 0..=2000),
            Self::PauseRedis => (Fault::PauseRedis, 100..=4000),
            Self::Link(end) => {
                let weather = Weather::draw(random);
                (Fault::Link { node, end, weather }, 50..=4000)
            }
            Self::ReconnectStorm => (Fault::ReconnectStorm, 0..=200),
            Self::StallReader => {
                let bare = random.random_range(0..BARE);
                (Fault::StallReader { bare }, 1000..=4000)
            }
            Self::SlowReader => {
                let device = random.random_range(0..SLOW);
                let pause_ms = random.random_range(5..=60);
                (Fault::SlowReader { device, pause_ms }, 1000..=4000)
            }
            Self::Replace => {
                let bare = random.random_range(0..BARE);
                (Fault::Replace { bare }, 0..=2000)
            }
            Self::Away => {
                let device = random.random_range(0..SLOW);
                (Fault::Away { device }, 500..=4000)
            }
            Self::CutCatchUp => {
                let bare = random.random_range(0..BARE);
                let bytes = random.random_range(1000..=30_000);
                (Fault::CutCatchUp { bare, bytes }, 1500..=3000)
            }
            Self::Remove => {
                let fault = Fault::Remove {
                    bare: random.random_range(ALONE),
                    keeps: random.random(),
                    again: random.random_ratio(2, 3),
                };
                (fault, 500..=3000)
            }
            Self::Hostile => {
                let how = Hostility::ALL[random.random_range(0..Hostility::ALL.len())];
                (Fault::Hostile { node, how }, 1000..=3000)
            }
            Self::RetryStorm => {
                let commands = random.random_range(3..=15);
                (Fault::RetryStorm { commands }, 0..=3000)
            }
            Self::OpenTogether => (Fault::OpenTogether, 0..=2000),
        };
        (fault, Duration::from_millis(random.random_range(ms)))
    }
}

impl Weather {
    fn draw(random: &mut impl Rng) -> Self {
        match random.random_range(0..4) {
            0 => Self::Cut,
            1 => Self::Stalled,
            2 => Self::Silent,
            _ => Self::Delayed {
                ms: random.random_range(5..=150),
            },
        }
    }
}

impl Fault {
    pub(crate) fn targets(&self) -> Vec<Target> {
        match *self {
            Self::KillNode { node } | Self::DrainNode { node } | Self::PauseNode { node } => {
                vec![Target::Node(node)]
            }
            Self::OlderNode { .. } => (0..NODES).map(Target::Node).collect(),
            Self::StepClock { node, .. } => vec![Target::Clock(node)],
            Self::StopPostgres
            | Self::KillPostgres
            | Self::PausePostgres
            | Self::TerminateBackends
            | Self::ReadOnlyPostgres
            | Self::LockTable { .. } => vec![Target::Postgres],
            Self::CrashBeforeFlush => {
                let clients = (0..NODES).map(|node| Target::Link(node, End::Clients));
                let pairs = (0..BARE / 2).map(Target::Bare);
                [Target::Postgres]
                    .into_iter()
                    .chain(clients)
                    .chain(pairs)
                    .collect()
            }
            Self::Restore { stopped } => {
                let nodes = (0..NODES).filter(|_| stopped).map(Target::Node);
                let whole = [Target::Postgres, Target::Lanes, Target::Retries, Target::TimeLine];
                whole.into_iter().chain(nodes).collect()
            }
            Self::AddLanes { .. } => vec![Target::Lanes],
            Self::FlushRedis | Self::KillRedis | Self::PauseRedis => vec![Target::Redis],
            Self::Link { node, end, .. } => vec![Target::Link(node, end)],
            Self::ReconnectStorm => (0..NODES).map(|node| Target::Link(node, End::Clients)).collect(),
            // The other one of the pair does the flooding.
            Self::StallReader { bare }
            | Self::Replace { bare }
            | Self::Remove { bare, .. }
            | Self::CutCatchUp { bare, .. } => {
                vec![Target::Bare(bare / 2)]
            }
            Self::SlowReader { device, .. } | Self::Away { device } => vec![Target::Device(device)],
            Self::RetryStorm { .. } => vec![Target::Retries],
            Self::Hostile { .. } => vec![Target::Hostile],
            Self::OpenTogether => vec![],
        }
    }
}

impl Fault {
    /// Whether clients and nodes lose each other without a word.
    pub(crate) fn is_felt_by_heartbeats(&self) -> bool {
        let silent = |end: End, weather: Weather| (end, weather) == (End::Clients, Weather::Silent);
        matches!(*self, Self::Link { end, weather, .. } if silent(end, weather))
    }
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
            Self::Clients => "its clients",
        })
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => out.write_str("cut"),
            Self::Stalled => out.write_str("stalled"),
            Self::Silent => out.write_str("silently cut"),
            Self::Delayed { ms } => write!(out, "{ms} ms late"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillNode { node } => write!(out, "node {node} killed"),
            Self::DrainNode { node } => write!(out, "node {node} drained"),
            Self::OlderNode { node, kind } => {
                write!(
                    out,
                    "all nodes stopped, and node {node} back first without knowing {kind}"
                )
            }
            Self::PauseNode { node } => write!(out, "node {node} paused"),
            Self::StepClock { node, seconds } => write!(out, "clock of node {node} stepped by {seconds:+} s"),
            Self::StopPostgres => out.write_str("PostgreSQL stopped at once"),
            Self::KillPostgres => out.write_str("PostgreSQL killed"),
            Self::PausePostgres => out.write_str("PostgreSQL paused"),
            Self::TerminateBackends => out.write_str("sessions of PostgreSQL terminated"),
            Self::CrashBeforeFlush => {
                out.write_str("PostgreSQL killed before folds were flushed, and all clients dropped")
            }
            Self::ReadOnlyPostgres => out.write_str("PostgreSQL read-only"),
            Self::LockTable { table } => write!(out, "table {table} locked"),
            Self::Restore { stopped } => {
                let nodes = if *stopped { "stopped" } else { "running" };
                write!(out, "an older back-up in the place of the log, nodes {nodes}")
            }
            Self::AddLanes { lanes } => write!(out, "{lanes} lanes in all"),
            Self::FlushRedis => out.write_str("Redis flushed"),
            Self::KillRedis => out.write_str("Redis killed"),
            Self::PauseRedis => out.write_str("Redis paused"),
            Self::Link { node, end, weather } => write!(out, "path between node {node} and {end} {weather}"),
            Self::ReconnectStorm => out.write_str("all clients dropped"),
            Self::StallReader { bare } => write!(out, "bare device {bare} reads nothing and is flooded"),
            Self::SlowReader { device, pause_ms } => {
                write!(out, "device {device} takes {pause_ms} ms over each event")
            }
            Self::Replace { bare } => write!(out, "bare device {bare} lost, and a new one"),
            Self::CutCatchUp { bare, bytes } => write!(
                out,
                "bare device {bare} lost, the network of a new one dies after {bytes} bytes, and another new one"
            ),
            Self::Away { device } => write!(out, "device {device} away, and back with what it knew"),
            Self::Remove { bare, keeps, again } => {
                write!(out, "who has bare device {bare} removed while it is away")?;
                if *again {
                    out.write_str(", and let in again")?;
                }
                if *keeps {
                    Ok(())
                } else {
                    out.write_str("; it comes back knowing nothing")
                }
            }
            Self::Hostile { node, how } => write!(out, "{how} at node {node}"),
            Self::RetryStorm { commands } => {
                write!(
                    out,
                    "a group and {commands} commands, repeated at all nodes, and again at the end"
                )
            }
            Self::OpenTogether => out.write_str("two people open their conversation at once"),
        }
    }
}
