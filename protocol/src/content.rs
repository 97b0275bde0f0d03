//! What a message says.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;

/// The content of a message. Its limits are the server's to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    Text {
        text: String,
    },
    Image {
        /// The id of an uploaded attachment.
        attachment: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        caption: Option<String>,
    },
    File {
        /// The id of an uploaded attachment.
        attachment: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        caption: Option<String>,
    },
}

impl Content {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// A message that shows a picture, which `POST /attachments` has stored for its sender.
    pub fn image(attachment: Uuid, caption: Option<String>) -> Self {
        Self::Image { attachment, caption }
    }

    /// The same with a file of any type.
    pub fn file(attachment: Uuid, caption: Option<String>) -> Self {
        Self::File { attachment, caption }
    }
}

/// All fields of every kind; reading into this spares the buffering that a tagged enum would do.
#[derive(Deserialize)]
struct AnyContent<'a> {
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
    text: Option<String>,
    attachment: Option<Uuid>,
    caption: Option<String>,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyContent {
            kind,
            text,
            attachment,
            caption,
        } = AnyContent::deserialize(deserializer)?;
        let attachment = || attachment.ok_or_else(|| de::Error::missing_field("attachment"));
        match &*kind {
            "text" => Ok(Self::Text {
                text: text.ok_or_else(|| de::Error::missing_field("text"))?,
            }),
            "image" => Ok(Self::Image {
                attachment: attachment()?,
                caption,
            }),
            "file" => Ok(Self::File {
                attachment: attachment()?,
                caption,
            }),
            other => Err(de::Error::unknown_variant(other, &["text", "image", "file"])),
        }
    }
}
