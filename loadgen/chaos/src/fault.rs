//! What can go wrong, and what it happens to.

use std::ops::Range;

use crate::hostile::Hostility;

mod kind;
mod words;

pub(crate) use kind::Kind;

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
