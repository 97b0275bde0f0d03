//! Announcements: what administrators tell everybody, each by a notice of their own stream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// Everybody is told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Announcement {
    /// Of the announcement: the same for all who are told.
    pub id: Uuid,
    pub text: String,
    /// When it was made for. It may be long before the notice, for somebody who was away.
    pub at: Timestamp,
}
