//! The wire and the domain, the one told in the words of the other: the only room that translates between them.
//!
//! Everything here is pure and synchronous.

mod event;
mod frame;

pub use event::{LiveEvent, encode, gap, shown};
pub use frame::Frame;
