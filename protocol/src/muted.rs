//! Members of groups who are muted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError, Timestamp,
    fields::{Field, Fields},
};

/// A member writes nothing from now on, until a moment or until that is ended, or may write again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberMuted {
    pub user: Uuid,
    pub on: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

pub(crate) fn mute(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupMute {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
        on: fields.required(Field::On)?,
        until: fields.optional(Field::Until)?,
    })
}
