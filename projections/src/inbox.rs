//! How far each member has been sent each conversation, and what expired before it was.

pub(crate) mod expiry;
mod fold;
mod waiting;

pub(crate) use fold::Inbox;
pub use waiting::{Waiting, waiting};
