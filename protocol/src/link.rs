//! Invite links.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError, Timestamp,
    fields::{Field, Fields},
};

/// A link lets people in from now on. `proof` is that of its secret, which it does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkCreated {
    pub link: Uuid,
    pub proof: Uuid,
    pub by: Uuid,
    pub until: Timestamp,
    /// How often it may be used, where that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
}

/// A link lets nobody in any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkRevoked {
    pub link: Uuid,
}

pub(crate) fn create(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupLinkCreate {
        conversation: fields.required(Field::Conversation)?,
        expires_in_s: fields.count(Field::ExpiresInS)?,
        uses: fields.count(Field::Uses)?,
    })
}

pub(crate) fn revoke(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupLinkRevoke {
        conversation: fields.required(Field::Conversation)?,
        link: fields.required(Field::Link)?,
    })
}
