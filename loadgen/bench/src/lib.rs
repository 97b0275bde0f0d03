//! How fast Tidings accepts and delivers: the workloads, and what bounds them.

pub mod accept;
pub mod ceilings;
pub mod fanout;
pub mod idle;
mod lag;
pub mod latency;
pub mod ledger;
mod pacer;
pub mod people;
pub mod report;
pub mod storm;
pub mod wire;
