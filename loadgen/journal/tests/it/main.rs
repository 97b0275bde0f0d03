//! Right runs pass, planted faults are found and named, and broken files are told apart.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faults;
mod files;
mod hidden;
mod recalls;
mod right_runs;
mod verdicts;
mod world;
