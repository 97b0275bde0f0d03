//! Tidings: the server.
//!
//! Rooms in the order of one message's walk: [`gateway`] reads and parses, [`lanes`] decide and commit, [`delivery`] shows
//! it here, [`fanout`] tells the other nodes, projections fold what was committed, and GraphQL answers from them.

pub mod accounts;
pub mod administration;
pub mod announcements;
pub mod attachments;
pub mod by_lane;
pub mod cli;
pub mod clock;
pub mod commits;
pub mod config;
pub mod controls;
pub mod cursors;
pub mod delivery;
pub mod fanout;
pub mod gateway;
pub mod http;
pub mod lanes;
pub mod lifecycle;
pub mod node;
pub mod outcome;
pub mod planted;
pub mod presence;
pub mod problem;
pub mod rates;
pub mod reactors;
pub mod readiness;
pub mod role;
pub mod tables;
pub mod telemetry;
pub mod wire;
