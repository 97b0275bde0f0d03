//! Read models folded from the log: history, conversations, groups, people, unread, inbox, search, attachments, announcements.
//!
//! Each projection owns one schema and folds batches of events into it with set-based SQL; its place in each lane moves in
//! the same transaction. The same fold serves live and rebuilding, and uses no clock, no randomness and no serials, so a
//! rebuilt read model equals the live one row for row. Nothing here spawns a task: the futures are the caller's to run.

pub mod announcements;
pub mod attachments;
pub mod conversations;
mod engine;
mod error;
mod fact;
pub mod groups;
pub mod history;
pub mod inbox;
mod models;
pub mod people;
#[cfg(test)]
mod plans;
mod projection;
pub mod search;
mod select;
pub mod unread;

pub use announcements::{Lately, lately};
pub use conversations::Newcomers;
pub use conversations::counts::conversation_counts;
pub use conversations::kinds::are_direct;
pub use conversations::known_users::known_users;
pub use conversations::memberships::{Aside, MEMBERSHIP_MODELS, Membership, Memberships, Seen, memberships};
pub use conversations::present::{Present, present};
pub use conversations::visible::{Stay, Stretch, Visible, visible};
pub use engine::ahead::ahead;
pub use engine::audit::{Audit, Audited, Drift, audit, drawn};
pub use engine::checkpoint::{Checkpoints, Lag, Lagging};
pub use engine::consumer::{
    Consumer, ConsumerPlace, Portion, Told, reactors_parked, retry_reactor, retry_reactor_event, skip_reactor,
};
pub use engine::heads::heads;
pub use engine::observer::{Observer, Progress, Stage};
pub use engine::parked::{
    Parked, Retried, is_confidential, parked, retry_parked, retry_parked_stream, skip_parked,
};
pub use engine::replay::{Replayed, replay};
pub use engine::rollback::{is_kept, rollback};
pub use engine::runner::Projector;
pub use engine::schema::setup;
pub use engine::tail::Tail;
pub use engine::verify::{Difference, DifferenceKind, Report, TableReport, verify};
pub use engine::wake::Wake;
pub use error::ProjectionError;
pub use fact::Fact;
pub use groups::invitation::invitations_since;
pub use groups::waiting::waiting;
pub use history::thread_goes_on;
pub use inbox::expiry::{Overdue, Owed};
pub use models::{all, find, names, prompt};
pub use people::tied::tied;
pub use people::{regards, reports_free_at, ties, withheld};
pub use projection::{Folds, Projection, Table};
pub use select::{Listed, Order, Range, Select};
pub use unread::hiding::{HiddenAmong, hidden_among};
pub use unread::mark::ended_marks;
pub use unread::read_seqs::read_seqs;
pub use unread::thread::thread_read_seq;
