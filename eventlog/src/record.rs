//! What the log holds and where.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::fmt;
use uuid::Uuid;

/// The lane of a stream: the last byte of its id.
pub fn lane_of(stream: Uuid) -> u8 {
    stream.as_bytes()[15]
}

/// A place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub lane: u8,
    pub pos: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.lane, self.pos)
    }
}

/// An event as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub lane: u8,
    pub pos: u64,
    pub stream: Uuid,
    pub seq: u64,
    /// How many countable events the stream holds up to and including this one.
    pub msg_no: u64,
    pub kind: i16,
    pub ver: i16,
    pub control: bool,
    pub actor: Uuid,
    pub at: DateTime<Utc>,
    pub command: Uuid,
    /// Ordinal among the events of its command, from 0.
    pub idx: i16,
    pub payload: Bytes,
    pub standing: Standing,
}

/// What has become of an event by the time that it is read from the log, or of that which it is about ([`Subjects`](crate::Subjects)). What has just
/// been committed is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Whole,
    /// It is kept from everybody for now.
    Withheld,
    /// It was taken back.
    Withdrawn,
}

impl Standing {
    /// By the number that statements have for it.
    pub(crate) fn numbered(number: i32) -> Self {
        match number {
            0 => Self::Whole,
            1 => Self::Withheld,
            _ => Self::Withdrawn,
        }
    }

    /// Whether others are shown what it says.
    pub fn is_whole(self) -> bool {
        self == Self::Whole
    }
}

impl Recorded {
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.payload.len()
    }
}

/// How far a lane has come, and on which time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneHead {
    pub lane: u8,
    pub head: u64,
    /// Names the lane's time line. It grows when the log has gone back: positions of different epochs do not compare.
    pub epoch: u32,
}

impl LaneHead {
    /// Whether this is an earlier place than `other` of the same lane. The log itself never comes to one: when it answers
    /// one, it has lost what was there.
    pub fn is_before(self, other: Self) -> bool {
        (self.epoch, self.head) < (other.epoch, other.head)
    }
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamHead {
    pub stream: Uuid,
    pub seq: u64,
    pub msg_no: u64,
    /// Seq of the stream's last control event.
    pub guard: u64,
    pub last_at: DateTime<Utc>,
}
