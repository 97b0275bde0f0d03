//! The GraphQL schema over the read models, and how it is served.
//!
//! Everything is read from the tables that the projections fill, with one statement per list however long it is and however
//! deep it lies. What the viewer may not see is null, as if it did not exist.

mod after;
mod complete;
mod conversation;
mod cursor;
mod database;
mod desk;
mod errors;
mod graphql;
mod id;
mod inbox;
mod limits;
mod loaders;
mod long;
mod member;
mod message;
mod page;
mod query;
mod read_model;
mod subscription;
mod time;
mod user;
mod variables;
mod viewer;
mod waves;

pub mod http;

pub use errors::{Code, Refusal};
pub use graphql::{Answer, Graphql, GraphqlConfig, sdl};
pub use limits::{COST_MAX, DEPTH_MAX};
pub use page::{PAGE_DEFAULT, PAGE_MAX};
pub use viewer::Viewer;
