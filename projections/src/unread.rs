//! How far each member has read, and where members were mentioned.

mod fold;
pub(crate) mod read_seqs;

pub(crate) use fold::Unread;
