//! How much was checked.

use std::fmt;

use serde::Serialize;

/// What a run that passed was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub journals: u64,
    pub people: u64,
    pub conversations: u64,
    /// Events in the log.
    pub logged: u64,
    /// Messages sent, each counted once.
    pub sent: u64,
    pub acked: u64,
    /// Messages without an answer, or refused, which are not in the log.
    pub absent: u64,
    /// Deliveries, live or while catching up.
    pub delivered: u64,
    pub fetched: u64,
    /// Events that came without what they once said.
    pub withheld: u64,
    pub connections: u64,
    /// Cursors that were claimed when connecting.
    pub claims: u64,
    pub gaps: u64,
    pub reads: u64,
    pub receipts: u64,
    /// What people hid from themselves and cleared, each time.
    pub hidden: u64,
    /// Counts of unread messages that were compared.
    pub unread: u64,
    /// Journals that end with a connection that is up to date.
    pub stayed: u64,
    /// How soon everybody had everything once all was well, where that is known.
    pub heard: Option<Heard>,
}

/// How long devices waited, each for what it waited for longest, since both it was there and somebody knew of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Heard {
    pub devices: u64,
    /// Milliseconds, for half of the devices at most.
    pub p50_ms: u64,
    /// Milliseconds, for all of them at most.
    pub max_ms: u64,
}

impl fmt::Display for Heard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "when all was well, {} devices had everything within {} ms, half of them within {} ms",
            self.devices, self.max_ms, self.p50_ms
        )
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} events in {} conversations; {} messages sent, {} acked, {} not in the log; {} journals of {} people: \
             {} deliveries, {} fetched, {} withheld, {} connections with {} cursors, {} gaps, {} reads, {} receipts, {} hidden or cleared, {} unread counts; \
             {} stayed to the end",
            self.logged,
            self.conversations,
            self.sent,
            self.acked,
            self.absent,
            self.journals,
            self.people,
            self.delivered,
            self.fetched,
            self.withheld,
            self.connections,
            self.claims,
            self.gaps,
            self.reads,
            self.receipts,
            self.hidden,
            self.unread,
            self.stayed,
        )?;
        match &self.heard {
            Some(heard) => write!(out, "; {heard}"),
            None => Ok(()),
        }
    }
}
