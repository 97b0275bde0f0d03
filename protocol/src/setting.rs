//! What people let others do and know. Nobody else is told; a notice tells it to the user's own devices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// What somebody wants from now on. What is not named stays as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// Whether others see how far the user has read and been sent, and the user sees it of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts: Option<bool>,
    /// Who sees when the user was last here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Audience>,
    /// Who may open a direct conversation with the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<Audience>,
    /// Who may put the user into a group without asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_me: Option<Audience>,
}

/// For whom something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    Everyone,
    /// Those who are in the user's contacts.
    Contacts,
    Nobody,
}

pub(crate) fn update(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::SettingsUpdate(Settings {
        receipts: fields.optional(Field::Receipts)?,
        last_seen: fields.optional(Field::LastSeen)?,
        direct: fields.optional(Field::Direct)?,
        add_me: fields.optional(Field::AddMe)?,
    }))
}
