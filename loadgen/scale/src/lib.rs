//! How Tidings behaves with long logs: the workloads `history` and `growth`, `long`, which is both on the same logs, `changes`, `search` and `rebuild`.

pub mod changes;
mod cold;
pub mod growth;
pub mod history;
pub mod long;
mod long_log;
pub mod rebuild;
pub mod search;
pub mod seed;
