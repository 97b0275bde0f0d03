//! Reading: how far somebody has read, and asking for what is older.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Event;

/// Somebody has read up to a seq. It may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    pub conversation: Uuid,
    pub user: Uuid,
    pub read_seq: u64,
}

/// A part of a conversation, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    pub id: Uuid,
    pub conversation: Uuid,
    pub events: Vec<Event>,
    /// Whether the conversation goes on behind the last of them.
    pub more: bool,
}
