//! How Tidings behaves with long logs: the workloads `history` and `growth`, `long`, which is both on the same logs, and `changes`.

pub mod changes;
mod cold;
pub mod growth;
pub mod history;
pub mod long;
mod long_log;
pub mod seed;
