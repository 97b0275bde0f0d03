//! Who types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ClientFrame, ParseError,
    fields::{Field, Fields},
};

/// Somebody types, or has stopped. It may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypingNotice {
    pub conversation: Uuid,
    pub user: Uuid,
    pub on: bool,
}

pub(crate) fn typing(fields: &Fields<'_>) -> Result<ClientFrame, ParseError> {
    Ok(ClientFrame::Typing {
        conversation: fields.required(Field::Conversation)?,
        on: fields.required(Field::On)?,
    })
}
