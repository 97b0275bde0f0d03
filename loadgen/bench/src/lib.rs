//! How fast Tidings accepts and delivers: the workloads, each of which checks what it was sent.

pub mod accept;
pub mod cluster;
mod cost;
pub mod database;
mod disk;
pub mod fanout;
pub mod idle;
mod lag;
pub mod latency;
pub mod ledger;
pub mod modest;
pub mod pacer;
pub mod people;
pub mod queries;
pub mod setting;
pub mod storm;
pub mod sustained;
pub mod wire;
