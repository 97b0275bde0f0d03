//! Groups: their members, roles and name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// What a member of a group may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Admin,
    Member,
}

/// The name and the first members; the owner is the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupCreated {
    pub name: String,
    pub owner: Uuid,
    pub members: Vec<Uuid>,
}

/// Who came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberAdded {
    pub user: Uuid,
    pub role: Role,
    /// The link by which they came in of themselves, where they did by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Uuid>,
    /// They had asked for it, and were answered by this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// They had asked for it, and came in without an answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
}

/// Who was put out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberRemoved {
    pub user: Uuid,
}

/// Who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberLeft {
    pub user: Uuid,
}

/// The new name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRenamed {
    pub name: String,
}

/// Who has which role now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleChanged {
    pub user: Uuid,
    pub role: Role,
}

pub(crate) fn create(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupCreate {
        name: fields.required(Field::Name)?,
        members: fields.required(Field::Members)?,
    })
}

pub(crate) fn add(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupAdd {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn remove(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupRemove {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn leave(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupLeave {
        conversation: fields.required(Field::Conversation)?,
    })
}

pub(crate) fn rename(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupRename {
        conversation: fields.required(Field::Conversation)?,
        name: fields.required(Field::Name)?,
    })
}

pub(crate) fn transfer(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupTransfer {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn role(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupRole {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
        role: fields.required(Field::Role)?,
    })
}
