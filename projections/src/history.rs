//! Messages, with what was done to them later.

mod fold;
mod message;

pub(crate) use fold::History;
pub use message::{Message, by_id, last, pages};
