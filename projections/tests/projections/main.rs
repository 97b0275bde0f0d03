//! Read models on a real PostgreSQL, filled through a real log.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod consumer;
mod contents;
mod expiry;
mod lanes;
mod long;
mod nouns;
mod poison;
mod replay;
mod runner;
mod support;
mod upgrade;
