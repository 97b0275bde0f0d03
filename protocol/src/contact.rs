//! Contacts and blocks: what two people are to one another. Notices tell it to those concerned, and nothing of a block to whom it keeps away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// One has asked the other to be a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactRequested {
    /// The other one of the two.
    pub user: Uuid,
    /// Who asked: the user, at another device, or the other one.
    pub by: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Something else has become of two people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactChanged {
    /// The other one of the two.
    pub user: Uuid,
    /// Who did it: the user, at another device, or the other one.
    pub by: Uuid,
}

/// The user blocks somebody from now on, or does so no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserBlocked {
    pub user: Uuid,
    pub on: bool,
}

pub(crate) fn request(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ContactRequest {
        user: fields.required(Field::User)?,
        text: fields.optional(Field::Text)?,
    })
}

pub(crate) fn accept(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ContactAccept {
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn decline(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ContactDecline {
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn withdraw(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ContactWithdraw {
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn remove(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ContactRemove {
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn block(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::UserBlock {
        user: fields.required(Field::User)?,
        on: fields.required(Field::On)?,
    })
}
