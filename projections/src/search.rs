//! What messages are found by, and who finds them.

mod candidate;
mod fold;
mod lexemes;
mod mine;
mod segment;

pub use candidate::{Candidate, CandidatePlace, Wanted, candidates};
pub(crate) use fold::Search;
pub use lexemes::{conversation, has, sender};
pub use mine::{Mine, mine};
