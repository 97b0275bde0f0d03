//! How far each member has read, where members were mentioned, which threads they follow, and what they have marked and hidden for
//! themselves.

mod fold;
pub(crate) mod hiding;
pub(crate) mod mark;
mod mentions;
pub(crate) mod read_seqs;
pub(crate) mod seen_by;
pub(crate) mod thread;
mod withholding;

pub(crate) use fold::Unread;
pub use mark::{Marks, marks, mention_total, unread_total};
pub use mentions::mention_counts;
pub use seen_by::seen_by;
pub use thread::{ThreadState, thread_states, unread_threads};
