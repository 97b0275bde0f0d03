//! How the schema is served: what a request may cost, its way through the schema, and HTTP and WebSocket.

mod after;
mod complete;
mod desk;
pub(crate) mod graphql;
pub mod http;
pub(crate) mod limits;
mod variables;
