//! Kinds of faults, and how one of a kind is drawn.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt as _};

use super::{ALONE, BARE, End, Fault, LANES_MAX, NODES, SLOW, Weather};
use crate::hostile::Hostility;

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
    "p_conversations_3.conversation",
    "p_history_4.message",
    "p_inbox_3.delivered",
    "p_unread_6.own_position",
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
                // Longer than a node waits for a head (`http.head_ms`): only then it does something about it.
                let ms = if how == Hostility::HalfRequests {
                    11_000..=13_000
                } else {
                    1000..=3000
                };
                (Fault::Hostile { node, how }, ms)
            }
            Self::RetryStorm => {
                let commands = random.random_range(3..=25);
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
