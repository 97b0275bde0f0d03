//! Reports: what a member says is wrong with a message, for moderators alone.

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

pub(crate) fn send(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ReportSend {
        conversation: fields.required(Field::Conversation)?,
        message: fields.required(Field::Message)?,
        reason: fields.required(Field::Reason)?,
        note: fields.optional(Field::Note)?,
    })
}
