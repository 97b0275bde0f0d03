//! What an append answers.

use crate::batch::Batch;
use crate::record::{LaneHead, Recorded, Standing};
use chrono::{DateTime, Utc};
use thiserror::Error;
use uuid::Uuid;

/// The answer of the log to a batch.
#[derive(Debug)]
pub enum Outcome {
    /// All of it is durable.
    Appended(Appended),
    /// Nothing was written: some commands are in the log already, or some decisions were made on an old state.
    Refused { repeats: Vec<Repeat>, stale: Vec<Stale> },
    /// Nothing was written: the log has gone back since, and this is where it is now.
    OtherTimeLine(LaneHead),
}

/// Where a batch came to stand.
#[derive(Debug)]
pub struct Appended {
    /// Every event with its position, in the order of the batch.
    pub events: Vec<Recorded>,
    /// For each proposal, the index behind its last event in `events`.
    pub ends: Vec<usize>,
}

impl Appended {
    /// The events of the `n`th proposal.
    pub fn of(&self, n: usize) -> &[Recorded] {
        let start = if n == 0 { 0 } else { self.ends[n - 1] };
        &self.events[start..self.ends[n]]
    }

    /// Computes every position from the bases that the log answered.
    pub(crate) fn number(batch: &Batch, head: i64, at: DateTime<Utc>, seq: &[i64], msg_no: &[i64]) -> Self {
        let mut ends = vec![0; batch.commands.len()];
        let events = (0..batch.event_kind.len())
            .map(|i| {
                let (command, stream) = (
                    batch.event_command[i] as usize - 1,
                    batch.event_stream[i] as usize - 1,
                );
                ends[command] = i + 1;
                Recorded {
                    lane: batch.lane,
                    pos: head as u64 + i as u64 + 1,
                    stream: batch.streams[stream],
                    seq: (seq[stream] + batch.event_seq[i]) as u64,
                    msg_no: (msg_no[stream] + batch.event_msg_no[i]) as u64,
                    kind: batch.event_kind[i],
                    ver: batch.event_ver[i],
                    control: batch.event_control[i],
                    actor: batch.event_actor[i],
                    at,
                    command: batch.commands[command],
                    idx: batch.event_idx[i],
                    payload: batch.event_payload[i].clone(),
                    standing: Standing::Whole,
                }
            })
            .collect();
        Self { events, ends }
    }
}

/// A command of the batch that the log holds already, with the last event that it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Index of the proposal in the batch.
    pub proposal: usize,
    pub stream: Uuid,
    pub pos: u64,
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub actor: Uuid,
    pub digest: i64,
    /// What it was; `None` where an append found it, which does not look.
    pub kind: Option<i16>,
}

/// What stands in the log beside a command that appends nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The command itself, where the log holds it.
    pub repeat: Option<Repeat>,
    /// Seq of its stream's last control event; 0 where there is no such stream.
    pub guard: u64,
    /// The last event of its stream.
    pub last: Option<Last>,
}

/// Where a stream's last event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    pub seq: u64,
    pub pos: u64,
    pub at: DateTime<Utc>,
}

/// A stream whose control events have moved on since the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    pub stream: Uuid,
    /// Seq of its last control event now.
    pub guard: u64,
}

/// Why an append did not answer.
#[derive(Debug, Error)]
pub enum AppendError {
    /// No connection could be made, or none is made while too many sessions that were lost have not ended: nothing was written.
    #[error("no connection to the log: {0}")]
    Unreachable(String),
    /// The connection was lost or timed out in mid-statement: the batch may or may not be in the log. Sending it again is
    /// safe, since the log answers repeats.
    #[error("the log did not answer: {0}")]
    Unknown(String),
    /// The log refused the statement: nothing was written. Worth another try only when `transient`; `away` when it would have
    /// refused any.
    #[error("the log refused the batch: {message}")]
    Failed {
        message: String,
        transient: bool,
        away: bool,
    },
}
