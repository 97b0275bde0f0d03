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
    pub connections: u64,
    /// Cursors that were claimed when connecting.
    pub claims: u64,
    pub gaps: u64,
    pub reads: u64,
    /// Counts of unread messages that were compared.
    pub unread: u64,
    /// Journals that end with a connection that is up to date.
    pub stayed: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} events in {} conversations; {} messages sent, {} acked, {} not in the log; {} journals of {} people: \
             {} deliveries, {} fetched, {} connections with {} cursors, {} gaps, {} reads, {} unread counts; \
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
            self.connections,
            self.claims,
            self.gaps,
            self.reads,
            self.unread,
            self.stayed,
        )
    }
}
