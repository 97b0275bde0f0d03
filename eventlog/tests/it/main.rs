//! The log on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs, and mints ids as clients do"
)]

mod concurrency;
mod invariants;
mod migrating;
mod notices;
mod outlines;
mod past;
mod plans;
mod pool;
mod reading;
mod recovery;
mod room;
mod statements;
mod subjects;
mod support;
mod time_lines;
mod transactions;
