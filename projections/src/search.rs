//! What messages are found by.

mod fold;
mod lexemes;
mod segment;

pub(crate) use fold::Search;
pub use lexemes::{conversation, has, sender};
