//! The GraphQL schema over the read models, and how it is served.
//!
//! Everything is read from the tables that the projections fill, with one statement per list however long it is and however
//! deep it lies. What the viewer may not see is null, as if it did not exist.
//!
//! `schema` holds a file a type, `serve` the way of a request to them and back. `schema` knows nothing of `serve`; both
//! stand on the other modules.

mod backend;
mod budget;
mod database;
mod errors;
mod freshness;
mod loader;
mod schema;
mod serve;
mod viewer;
mod waves;

pub use backend::{
    Audited, Backend, ConnectionState, CostAllowance, Done, EventFilter, EventState, EventsFound, LogPlace,
    MadeAnnouncement, Moment, NodeState, Order, Part, PastMember, PastPlace, PastReaction, PastState,
    RebuildStage, RebuildState, ReportOrder, ReportPosition, SaidKind, SettingSource, SettingState,
    TraceState, Version, Withholding, WithholdingOrder,
};
pub use errors::{Code, Refusal};
pub use schema::page::{PAGE_DEFAULT, PAGE_MAX};
pub use schema::sdl;
pub use serve::answer::Answer;
pub use serve::config::GraphqlConfig;
pub use serve::graphql::Graphql;
pub use serve::http;
pub use serve::limits::{COST_MAX, DEPTH_MAX};
pub use viewer::Viewer;
