//! What the clients of a chat server saw, line by line, and whether that can be.

mod record;

pub use record::{FORMAT, Kind, Logged, Micros, Record, Via, digest};
