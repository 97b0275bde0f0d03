//! What moderators keep from everybody for a while.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A moderator, who need be no member, keeps from everybody what a message says, or shows it again. The last one counts, and a recall wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageWithheld {
    pub message: Uuid,
    /// Where the message stands in the conversation.
    pub message_seq: u64,
    /// How many messages there are up to it; 0 of one that stands in a thread alone and is in no count.
    pub message_no: u64,
    pub withheld: bool,
    /// Why, where it is withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
