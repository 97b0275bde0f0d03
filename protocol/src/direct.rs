//! Direct conversations: the two of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// The two who talk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DirectOpened {
    pub users: [Uuid; 2],
}

pub(crate) fn open(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::DirectOpen {
        user: fields.required(Field::User)?,
    })
}
