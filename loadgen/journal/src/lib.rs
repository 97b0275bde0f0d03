//! What the clients of a chat server saw, line by line, and whether that can be.
//!
//! Clients write journals of [`Record`]s, and the server's log is exported as [`Logged`] lines. [`check`] and
//! [`check_dir`] decide whether the two can be true together, and show the smallest contradiction where they cannot. The
//! formats and what is checked stand in docs/journals.md.

mod checker;
mod command;
mod counterexample;
mod export;
mod fault;
mod journal;
mod lines;
mod names;
mod record;
mod summary;
mod world;

pub use checker::{CheckError, check, check_dir};
pub use command::{Args, run};
pub use counterexample::{Counterexample, Evidence, Source};
pub use export::{Export, write_log};
pub use fault::Fault;
pub use journal::{Journal, Writer, journals_in, read_dir};
pub use lines::ReadError;
pub use record::{FORMAT, Kind, Logged, Micros, Record, Stored, Via, digest, whole};
pub use summary::{Heard, Summary};
pub use world::{World, write_world};
