//! How the schema is served: what a request may cost, its way through the schema, and HTTP and WebSocket.

mod after;
pub(crate) mod answer;
mod complete;
pub(crate) mod config;
mod desk;
mod entry;
mod following;
pub(crate) mod graphql;
pub mod http;
pub(crate) mod limits;
mod variables;
