//! How far each member has been sent each conversation, and what expired before it was.

mod delivered_to;
pub(crate) mod expiry;
mod fold;
mod recipients;
mod waiting;

pub use delivered_to::delivered_to;
pub(crate) use fold::Inbox;
pub use recipients::{Recipient, RecipientCounts, SentMessage, recipient_counts, recipients};
pub use waiting::{Waiting, waiting};
