//! What keeps read models current, rebuilds them and compares them with the log, whatever they hold.

pub(crate) mod advance;
pub(crate) mod ahead;
pub(crate) mod audit;
pub(crate) mod build;
mod check;
pub(crate) mod checkpoint;
mod compare;
pub(crate) mod consumer;
pub(crate) mod heads;
pub(crate) mod observer;
mod pace;
pub(crate) mod parked;
mod patience;
mod range;
pub(crate) mod replay;
pub(crate) mod rollback;
pub(crate) mod runner;
pub(crate) mod schema;
pub(crate) mod session;
mod store;
mod swap;
pub(crate) mod tail;
pub(crate) mod target;
mod upgrade;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod wake;
