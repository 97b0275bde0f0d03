//! How Tidings behaves with long logs: the workloads `history` and `growth`, and `long`, which is both on the same logs.

mod cold;
mod database;
pub mod growth;
pub mod history;
pub mod long;
mod long_log;
pub mod seed;
