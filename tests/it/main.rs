//! The server as its users meet it: real sockets, a real PostgreSQL, a real Redis.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs, and mints ids as clients do"
)]

mod accounts;
mod administration;
mod announcements;
mod attachments;
mod audit;
mod bad_input;
mod borrowing;
mod bucket;
mod catch_up;
mod clamd;
mod client;
mod closing;
mod cluster;
mod commands;
mod configuration;
mod contacts;
mod crowded;
mod deaf;
mod deletion;
mod drain;
mod edit;
mod endless;
mod environment;
mod ephemeral;
mod events;
mod everyone;
mod export;
mod failover;
mod faults;
mod following;
mod forward;
mod gaps;
mod groups;
mod hiding;
mod history;
mod homes;
mod invitations;
mod joining;
mod lanes;
mod limits;
mod marks;
mod metrics;
mod pages;
mod parked;
mod past;
mod pin;
mod presence;
mod priorities;
mod profile;
mod promises;
mod rates;
mod reaction;
mod reactors;
mod readiness;
mod reads;
mod rebuild;
mod recall;
mod receipt;
mod report;
mod rooms;
mod search;
mod seen;
mod sockets;
mod states;
mod support;
mod thread;
mod time_line;
mod tls;
mod trace;
mod unreadable;
mod withholding;
