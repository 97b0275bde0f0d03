//! How far each member has been sent each conversation, and what expired before it was.

pub(crate) mod expiry;
mod fold;

pub(crate) use fold::Inbox;
