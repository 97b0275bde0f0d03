//! Read models folded from the log: history, conversations, unread, inbox.
//!
//! Each projection owns one schema and folds batches of events into it with set-based SQL; its place in each lane moves in
//! the same transaction. The same fold serves live and rebuilding, and uses no clock, no randomness and no serials, so a
//! rebuilt read model equals the live one row for row. Nothing here spawns a task: the futures are the caller's to run.

mod advance;
mod ahead;
mod build;
mod checkpoint;
mod compare;
mod conversations;
mod error;
mod fact;
mod history;
mod inbox;
mod observer;
mod pace;
mod parked;
mod patience;
#[cfg(test)]
mod plans;
mod projection;
mod queries;
mod replay;
mod runner;
mod schema;
mod session;
mod store;
mod tail;
mod target;
mod unread;
mod verify;
mod wake;

pub use ahead::ahead;
pub use checkpoint::{Checkpoints, Lag, Lagging};
pub use error::ProjectionError;
pub use fact::Fact;
pub use observer::{Observer, Progress, Stage};
pub use parked::{Parked, Retried, parked, retry_parked};
pub use projection::{Projection, Table, all, find, names};
pub use queries::expiry::{Expired, Expiry, Place};
pub use queries::memberships::{MEMBERSHIP_MODELS, Membership, Memberships, Seen, memberships};
pub use queries::{known_users, read_seqs};
pub use replay::{Replayed, replay};
pub use runner::Projector;
pub use schema::setup;
pub use tail::Tail;
pub use verify::{Difference, DifferenceKind, Report, TableReport, verify};
pub use wake::Wake;
