//! Settings of groups.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
    integer::Integer,
};

/// Whom a setting lets do something. Owners and admins always may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    Members,
    Admins,
}

/// What those see who come into a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// All of it, but for what stands before an end of `joined`.
    Shared,
    /// What is sent from their joining on.
    Joined,
}

/// How people come into a group of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// By a link, or not at all.
    Invite,
    /// They ask.
    Request,
    Open,
}

/// Settings that become others. What is not named stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSettings {
    /// Who writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<Who>,
    /// Who adds people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<Who>,
    /// Who pins messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Who>,
    /// Who mentions everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<Who>,
    /// Who replies in threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<Who>,
    /// Who reacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub react: Option<Who>,
    /// Who shows pictures and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Who>,
    /// Whether messages may be forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<bool>,
    /// What those see who come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// How people come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<Join>,
    /// How many seconds members wait between two messages; 0 where they do not.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "seconds"
    )]
    pub slow_s: Option<u32>,
}

impl GroupSettings {
    const NAMES: [&'static str; 11] = [
        "post", "invite", "pin", "everyone", "threads", "react", "attach", "forward", "history", "join",
        "slow_s",
    ];
}

/// What became of the settings of a group: those that are others now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSettingsChanged {
    pub settings: GroupSettings,
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    // What is too large to be kept is too large for the rules, too.
    let seconds = <Option<Integer>>::deserialize(deserializer)?;
    Ok(seconds.map(|Integer(seconds)| u32::try_from(seconds).unwrap_or(u32::MAX)))
}

/// A setting that this version does not have is refused: whoever asks for it must not believe that it holds.
pub(crate) fn change(fields: &Fields<'_>) -> Result<Action, ParseError> {
    let raw: &RawValue = fields.required(Field::Settings)?;
    let named: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| fields.wrong(Field::Settings))?;
    if !named.keys().all(|name| GroupSettings::NAMES.contains(&&**name)) {
        return Err(fields.wrong(Field::Settings));
    }
    Ok(Action::GroupSettings {
        conversation: fields.required(Field::Conversation)?,
        settings: fields.required(Field::Settings)?,
    })
}
