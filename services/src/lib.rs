//! Private PostgreSQL and Redis instances for `tidings dev` and for the tests.
//!
//! Every server listens on 127.0.0.1 only, asks for a password that only its owner can read, keeps its files in one directory, runs as an unprivileged user when the
//! caller is root, and ends with the process that started it, even when that process is killed.

mod account;
mod error;
mod files;
mod instance;
mod orphan;
mod port;
mod postgres;
mod process;
mod program;
mod programs;
mod proxy;
mod redis;
mod secret;
pub mod testing;

pub use error::ServiceError;
pub use files::ServerTls;
pub use port::Port;
pub use postgres::{Postgres, PostgresOptions, Profile};
pub use program::Program;
pub use proxy::{ChaosProxy, Harm};
pub use redis::{Redis, RedisOptions};
