//! HTTP: health, metrics, accounts, GraphQL, pages, and the way into the gateway.

pub mod assets;
pub mod graphql;
mod health;
mod serve;

pub use health::Readiness;
pub use serve::{router, serve};
