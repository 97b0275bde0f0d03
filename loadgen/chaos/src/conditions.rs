//! How the nodes of a run are set up. Small limits bring out what large ones hide.

use std::fmt;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

/// So little that a flood fills the socket of whoever does not read.
const SEND_BUFFER_BYTES: u32 = 8192;

/// Settings of all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    pub lanes: u16,
    /// Events that a conversation is caught up with before there is a gap.
    pub catch_up_events: u64,
    /// Events that may wait for a slow connection.
    pub outbox_events: u64,
    pub heartbeat_ms: u64,
    /// How long a client may take to read before it is closed as too slow.
    pub slow_ms: u64,
    /// How often delivery cursors are stored.
    pub delivered_ms: u64,
    pub read_gather_ms: u64,
}

impl Conditions {
    pub(crate) fn draw(random: &mut StdRng) -> Self {
        let mut one_of = |choice: &[u64]| choice.choose(random).copied().unwrap_or_default();
        Self {
            lanes: one_of(&[1, 2, 4]) as u16,
            catch_up_events: one_of(&[10, 100, 1000]),
            outbox_events: one_of(&[8, 64, 2048]),
            heartbeat_ms: one_of(&[500, 25_000]),
            slow_ms: one_of(&[1000, 20_000]),
            delivered_ms: one_of(&[200, 30_000]),
            read_gather_ms: random.random_range(0..=500),
        }
    }

    /// As lines of TOML, without tables.
    pub(crate) fn settings(&self) -> String {
        format!(
            "lanes = {}\nread_gather_ms = {}\ndatabase_connections = 8\n",
            self.lanes, self.read_gather_ms
        )
    }

    /// As a table of TOML.
    pub(crate) fn table(&self) -> String {
        format!(
            "[gateway]\ncatch_up_events = {}\noutbox_events = {}\nheartbeat_ms = {}\nslow_ms = {}\ndelivered_ms = {}\n\
             drain_ms = 200\nreturn_ms = 200\nsend_buffer_bytes = {SEND_BUFFER_BYTES}\n",
            self.catch_up_events, self.outbox_events, self.heartbeat_ms, self.slow_ms, self.delivered_ms
        )
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} lanes, catch-up of {} events, outbox of {} events, heartbeat {} ms, too slow after {} ms, \
             delivery cursors each {} ms, reads gathered for {} ms",
            self.lanes,
            self.catch_up_events,
            self.outbox_events,
            self.heartbeat_ms,
            self.slow_ms,
            self.delivered_ms,
            self.read_gather_ms,
        )
    }
}
