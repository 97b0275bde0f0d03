//! HTTP: health, metrics, accounts, GraphQL, pages, and the way into the gateway.

pub mod assets;
mod cors;
mod gate;
pub mod graphql;
mod health;
mod limits;
mod listener;
mod router;
mod sockets;

pub use gate::{ClientAddress, Gate};
pub use graphql::GraphqlLimits;
pub use limits::HttpLimits;
pub use listener::serve;
pub use router::router;
pub(crate) use sockets::Socket;
