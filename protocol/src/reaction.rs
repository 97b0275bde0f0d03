//! Reactions to messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The actor set or took back a reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionChanged {
    pub message: Uuid,
    pub emoji: String,
    pub on: bool,
}
