//! A batch of decided commands for one lane, in the form that `append_lane` takes.

use crate::record::{LaneHead, lane_of};
use bytes::Bytes;
use std::collections::HashMap;
use uuid::Uuid;

/// An event that a command wants to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub kind: i16,
    pub ver: i16,
    /// Decisions depend on it.
    pub control: bool,
    /// It raises the stream's `msg_no`.
    pub countable: bool,
    pub payload: Bytes,
}

/// A decided command: at least one event for one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub stream: Uuid,
    /// Idempotency key: names one command in its lane, for ever.
    pub command: Uuid,
    /// Fingerprint of the command's content, compared when the key comes again.
    pub digest: i64,
    pub actor: Uuid,
    /// Seq of the stream's last control event that the decision was made on; 0 for a stream that does not exist.
    /// Of several proposals for one stream in a batch only the first one's is checked: the rest build on it.
    pub guard: u64,
    pub events: Vec<NewEvent>,
}

/// Proposals for one lane, as the columns that `append_lane` takes.
#[derive(Debug)]
pub struct Batch {
    pub(crate) lane: u8,
    /// The time line that the batch is for, and how far the lane is known to reach on it.
    pub(crate) known: Option<LaneHead>,
    pub(crate) commands: Vec<Uuid>,
    pub(crate) digests: Vec<i64>,
    pub(crate) streams: Vec<Uuid>,
    pub(crate) guards: Vec<i64>,
    pub(crate) stream_events: Vec<i64>,
    pub(crate) stream_messages: Vec<i64>,
    pub(crate) stream_control: Vec<i64>,
    pub(crate) event_command: Vec<i32>,
    pub(crate) event_idx: Vec<i16>,
    pub(crate) event_stream: Vec<i32>,
    pub(crate) event_seq: Vec<i64>,
    pub(crate) event_msg_no: Vec<i64>,
    pub(crate) event_kind: Vec<i16>,
    pub(crate) event_ver: Vec<i16>,
    pub(crate) event_control: Vec<bool>,
    pub(crate) event_countable: Vec<bool>,
    pub(crate) event_actor: Vec<Uuid>,
    pub(crate) event_payload: Vec<Bytes>,
    by_stream: HashMap<Uuid, usize>,
    bytes: usize,
}

impl Batch {
    pub fn new(lane: u8) -> Self {
        Self {
            lane,
            known: None,
            commands: vec![],
            digests: vec![],
            streams: vec![],
            guards: vec![],
            stream_events: vec![],
            stream_messages: vec![],
            stream_control: vec![],
            event_command: vec![],
            event_idx: vec![],
            event_stream: vec![],
            event_seq: vec![],
            event_msg_no: vec![],
            event_kind: vec![],
            event_ver: vec![],
            event_control: vec![],
            event_countable: vec![],
            event_actor: vec![],
            event_payload: vec![],
            by_stream: HashMap::new(),
            bytes: 0,
        }
    }

    /// Lets the batch be written only to the time line of `known`, and only where the lane reaches at least as far. Without
    /// it, the batch is written wherever the log is.
    pub fn set_known(&mut self, known: LaneHead) {
        self.known = Some(known);
    }

    /// Adds a proposal behind those already there. Its stream must be on the batch's lane and its command id must not
    /// be in the batch yet.
    pub fn push(&mut self, proposal: &Proposal) {
        debug_assert_eq!(lane_of(proposal.stream), self.lane, "a batch holds one lane");
        debug_assert!(!proposal.events.is_empty(), "a proposal has events");
        let command = self.commands.len();
        self.commands.push(proposal.command);
        self.digests.push(proposal.digest);
        let stream = self.stream(proposal.stream, proposal.guard);
        for (idx, event) in proposal.events.iter().enumerate() {
            self.stream_events[stream] += 1;
            self.stream_messages[stream] += i64::from(event.countable);
            if event.control {
                self.stream_control[stream] = self.stream_events[stream];
            }
            // Ordinals count from 1 in SQL.
            self.event_command.push(command as i32 + 1);
            self.event_stream.push(stream as i32 + 1);
            self.event_idx.push(idx as i16);
            self.event_seq.push(self.stream_events[stream]);
            self.event_msg_no.push(self.stream_messages[stream]);
            self.event_kind.push(event.kind);
            self.event_ver.push(event.ver);
            self.event_control.push(event.control);
            self.event_countable.push(event.countable);
            self.event_actor.push(proposal.actor);
            self.event_payload.push(event.payload.clone());
            self.bytes += event.payload.len();
        }
    }

    /// Lets the batch be written only where the last control event of `stream`, which is on its lane, has this seq. It writes nothing to
    /// that stream, unless proposals for it do, of which the first one's guard counts as ever.
    pub fn check(&mut self, stream: Uuid, guard: u64) {
        debug_assert_eq!(lane_of(stream), self.lane, "a batch holds one lane");
        self.stream(stream, guard);
    }

    /// The place of a stream among those of the batch.
    fn stream(&mut self, stream: Uuid, guard: u64) -> usize {
        *self.by_stream.entry(stream).or_insert_with(|| {
            self.streams.push(stream);
            self.guards.push(guard as i64);
            self.stream_events.push(0);
            self.stream_messages.push(0);
            self.stream_control.push(0);
            self.streams.len() - 1
        })
    }

    pub fn lane(&self) -> u8 {
        self.lane
    }

    /// How many proposals it holds.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Bytes of payload that it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
