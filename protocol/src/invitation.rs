//! Invitations into groups, by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError, Timestamp,
    fields::{Field, Fields},
};

/// Somebody is asked to come in, until a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationSent {
    pub user: Uuid,
    pub by: Uuid,
    pub until: Timestamp,
    /// What the group was called then.
    pub name: String,
}

/// Whoever was invited comes in, by the event behind this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationAccepted {
    pub user: Uuid,
}

/// Whoever was invited does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationDeclined {
    pub user: Uuid,
}

/// Somebody is invited no more: it was taken back, or they were let in or banned, or whoever has invited them goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationWithdrawn {
    pub user: Uuid,
    /// By whom they are invited no more; nothing, where that is everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Uuid>,
}

/// The user is asked into a group, of which they are shown no more than this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupInvited {
    pub conversation: Uuid,
    /// What the group was called then.
    pub name: String,
    pub by: Uuid,
    pub until: Timestamp,
}

/// Invitations of which the user was told can be answered no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationEnded {
    pub conversation: Uuid,
    pub outcome: Outcome,
    /// Whose has ended, while others may stand; nothing, where nobody invites the user any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Uuid>,
}

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Accepted,
    Declined,
    /// It was taken back, or the user was let in or banned.
    Withdrawn,
}

pub(crate) fn invite(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupInvite {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
    })
}

pub(crate) fn accept(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupAccept {
        conversation: fields.required(Field::Conversation)?,
    })
}

pub(crate) fn decline(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupDecline {
        conversation: fields.required(Field::Conversation)?,
    })
}

pub(crate) fn withdraw(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::GroupWithdraw {
        conversation: fields.required(Field::Conversation)?,
        user: fields.required(Field::User)?,
    })
}
