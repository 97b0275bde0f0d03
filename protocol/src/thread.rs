//! Threads, as each of their readers has them: followed or not, and read so far. Notices tell it to all devices of the user.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// The user follows a thread from now on, or does not, whatever happens in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadFollowed {
    pub conversation: Uuid,
    /// The message that begins the thread.
    pub thread: Uuid,
    pub on: bool,
}

/// The user has read a thread up to here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadRead {
    pub conversation: Uuid,
    /// The message that begins the thread.
    pub thread: Uuid,
    pub seq: u64,
}

pub(crate) fn follow(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ThreadFollow {
        conversation: fields.required(Field::Conversation)?,
        thread: fields.required(Field::Thread)?,
        on: fields.required(Field::On)?,
    })
}
