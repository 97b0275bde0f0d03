//! People who come into groups of themselves, or ask for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError, Timestamp,
    fields::{Field, Fields},
};

/// Who asks to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JoinRequested {
    pub user: Uuid,
}

/// Who asked, and is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JoinRefused {
    pub user: Uuid,
}

/// Somebody asks to be let into a group whose requests the user answers. Of others who ask until a time nothing is told, unless nobody waited any
/// more before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupAsked {
    pub conversation: Uuid,
    pub user: Uuid,
    pub until: Timestamp,
    /// The request's place in the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// Nobody waits for an answer of the group any more, whose requests the user was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupAnswered {
    pub conversation: Uuid,
    /// The place in the group of what ended the last request: whoever asked behind it waits still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// The user has asked to be let into a group, and was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JoinAnswered {
    pub conversation: Uuid,
    pub approved: bool,
}

/// By a secret, or into a group that is named: one of both.
pub(crate) fn join(fields: &Fields<'_>) -> Result<Action, ParseError> {
    let secret: Option<String> = fields.optional(Field::Secret)?;
    let conversation = fields.optional(Field::Conversation)?;
    if secret.is_some() == conversation.is_some() {
        return Err(fields.wrong(if secret.is_some() {
            Field::Secret
        } else {
            Field::Conversation
        }));
    }
    Ok(Action::GroupJoin { conversation, secret })
}

pub(crate) fn approve(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupApprove {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn refuse(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupRefuse {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
    })
}
