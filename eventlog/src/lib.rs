//! The append-only log on PostgreSQL.
//!
//! Events live in *streams*; streams live in *lanes*; a stream's lane is the last byte of its id. Positions are dense
//! in a lane and sequence numbers are dense in a stream, both in commit order: whoever sees position `p` of a lane
//! sees every position below it. This crate knows nothing of what the events mean.

pub mod append;
pub mod batch;
pub mod connect;
pub mod record;
pub mod schema;

mod appender;
mod blame;
mod committed;
mod constancy;
mod decide;
mod heads;
mod home;
mod notices;
mod outlines;
mod past;
mod pool;
mod ranges;
mod read;
mod slices;
mod states;
mod subjects;
mod tls;
mod trace;
mod uptime;

pub use append::{AppendError, Appended, Doubt, Last, Outcome, Repeat, Stale};
pub use appender::{APPENDER_SESSION, Appender, Trouble};
pub use batch::{Batch, NewEvent, Proposal};
pub use blame::{Blame, describe};
pub use committed::Committed;
pub use connect::{ConnectError, LogConfig};
pub use decide::{Origin, Writing};
pub use home::{Home, HomeError, quoted};
pub use notices::{NOTICES, NoticeRange, NoticesFound};
pub use outlines::{Outline, Wanted};
pub use past::Marked;
pub use pool::{Lease, Pool, Usage};
pub use ranges::Heard;
pub use read::{Log, ReadError};
pub use record::{LaneHead, Position, Recorded, Standing, StreamHead};
pub use slices::Slice;
pub use states::{Keep, Step};
pub use subjects::{MARKS_FEW, MARKS_MAX, Question, Subject, Subjects};
pub use trace::{TRACE_MAX, Trace};
