//! Reading: how far somebody has read, and asking for what is older.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, Event, ParseError,
    fields::{Field, Fields},
};

/// Somebody has read up to a seq, or has been sent. It may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    pub conversation: Uuid,
    pub user: Uuid,
    /// 0 is nothing.
    pub read_seq: u64,
    /// How far a device of theirs is known to have it; only in direct conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_seq: Option<u64>,
}

/// A part of a conversation, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    pub id: Uuid,
    pub conversation: Uuid,
    pub events: Vec<Event>,
    /// Whether the conversation goes on behind the last of them.
    pub more: bool,
    /// Where it goes on, where there are none: what lies before that, from where was asked on, is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

pub(crate) fn read(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::Read {
        conversation: fields.required(Field::Conversation)?,
        seq: fields.integer(Field::Seq)?,
        thread: fields.optional(Field::Thread)?,
    })
}

pub(crate) fn fetch(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::Fetch {
        conversation: fields.required(Field::Conversation)?,
        from: fields.integer(Field::From)?,
        limit: fields
            .integer(Field::Limit)?
            .try_into()
            .map_err(|_| fields.wrong(Field::Limit))?,
    })
}
