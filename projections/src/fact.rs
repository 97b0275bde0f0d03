//! A decoded event, as projections take it.

use chrono::{DateTime, Utc};
use tidings_domain::Event;
use tidings_domain::stored::{DecodeError, decode};
use tidings_eventlog::Recorded;
use uuid::Uuid;

/// An event of the log together with what it says.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    pub record: &'a Recorded,
    pub event: &'a Event,
}

impl Fact<'_> {
    /// The conversation or user whose stream it is in.
    pub fn stream(&self) -> Uuid {
        self.record.stream
    }

    /// Its place in the stream.
    pub fn seq(&self) -> i64 {
        self.record.seq as i64
    }

    /// How many messages the stream holds up to it.
    pub fn msg_no(&self) -> i64 {
        self.record.msg_no as i64
    }

    /// When it was appended.
    pub fn at(&self) -> DateTime<Utc> {
        self.record.at
    }
}

/// An event that was read from the log and decoded once for all projections.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) record: Recorded,
    pub(crate) event: Result<Event, DecodeError>,
}

impl Decoded {
    pub(crate) fn all(records: Vec<Recorded>) -> Vec<Self> {
        records
            .into_iter()
            .map(|record| Self {
                event: decode(record.kind, record.ver, &record.payload),
                record,
            })
            .collect()
    }
}
