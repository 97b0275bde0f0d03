//! The schema over a real database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs, and mints ids as clients do"
)]

mod admin;
mod after;
mod authorisation;
mod failures;
mod http;
mod inbox;
mod limits;
mod nouns;
mod paging;
mod plans;
mod schema;
mod search;
mod server;
mod socket;
mod statements;
mod support;
mod visibility;
