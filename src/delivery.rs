//! Delivery on this node: every event of a lane once, in order, encoded once, to the outboxes of those who may see it.
//!
//! It knows neither where ranges come from (local commits, other nodes, the log) nor who takes events out of an outbox.

mod feed;
mod hub;
mod outbox;
mod subscriptions;
mod task;

pub use hub::{Audience, Hub, Observer, Onward, Subscriber};
pub use outbox::{Brought, Outbox};
