//! People who are out of a group, and stay out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError, Timestamp,
    fields::{Field, Fields},
};

/// Who does not come in again, until a moment or until the ban is lifted. Where they were in, a `member.removed` stands before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberBanned {
    pub user: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who may come in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberUnbanned {
    pub user: Uuid,
}

pub(crate) fn ban(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupBan {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
        until: fields.optional(Field::Until)?,
        reason: fields.optional(Field::Reason)?,
    })
}

pub(crate) fn unban(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupUnban {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
    })
}
