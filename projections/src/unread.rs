//! How far each member has read, and where members were mentioned.

mod fold;
mod mentions;
pub(crate) mod read_seqs;

pub(crate) use fold::Unread;
pub use mentions::mention_counts;
