//! Who types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Somebody types, or has stopped. It may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypingNotice {
    pub conversation: Uuid,
    pub user: Uuid,
    pub on: bool,
}
