//! Read models on a real PostgreSQL, filled through a real log.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs, and mints ids as clients do"
)]

mod announcements;
mod audit;
mod consumer;
mod contents;
mod counts;
mod deletions;
mod expiry;
mod groups;
mod lanes;
mod long;
mod newcomers;
mod nouns;
mod people;
mod poison;
mod questions;
mod receipts;
mod replay;
mod reports;
mod rollback;
mod runner;
mod search;
mod support;
mod ties;
mod upgrade;
mod writes;
