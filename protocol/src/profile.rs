//! What people show of themselves. Everybody sees it over GraphQL; a notice tells it to the user's own devices.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{
    Action, ParseError,
    fields::{Field, Fields},
};

/// What somebody shows from now on. What is not named stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Empty where nothing is told any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// An attachment of the user's own, or empty where no picture is shown any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Avatar>,
}

/// The attachment that is somebody's picture; none is an empty text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Avatar(pub Option<Uuid>);

impl Serialize for Avatar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(attachment) => serializer.collect_str(&attachment),
            None => serializer.serialize_str(""),
        }
    }
}

impl<'de> Deserialize<'de> for Avatar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let attachment = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(Some(attachment)))
    }
}

impl JsonSchema for Avatar {
    fn schema_name() -> Cow<'static, str> {
        "Avatar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The attachment that is somebody's picture; none is an empty text.",
            "type": "string",
            "anyOf": [{"const": ""}, {"format": "uuid"}],
        })
    }
}

pub(crate) fn update(fields: &Fields<'_>) -> Result<Action, ParseError> {
    Ok(Action::ProfileUpdate(Profile {
        display_name: fields.optional(Field::DisplayName)?,
        about: fields.optional(Field::About)?,
        avatar: fields.optional(Field::Avatar)?,
    }))
}
