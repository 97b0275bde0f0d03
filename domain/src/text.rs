//! Texts that people write, checked once at the edge.

use crate::rejection::{Field, Rejection};
use serde::{Deserialize, Serialize};

/// The longest message text, in bytes of UTF-8.
pub const MESSAGE_TEXT_BYTES_MAX: usize = 8192;
/// The longest group name, in characters.
pub const GROUP_NAME_CHARS_MAX: usize = 100;

/// The text of a message: 1 to 8,192 bytes of UTF-8, without NUL characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageText(String);

impl MessageText {
    /// Checks a text. Refused when empty, too long, or holding a NUL, which PostgreSQL cannot store as text.
    pub fn parse(text: impl Into<String>) -> Result<Self, Rejection> {
        let text = text.into();
        if text.is_empty() {
            return Err(Rejection::invalid(Field::Content, "the text is empty"));
        }
        if text.len() > MESSAGE_TEXT_BYTES_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Content,
                max: MESSAGE_TEXT_BYTES_MAX,
            });
        }
        if text.contains('\0') {
            return Err(Rejection::invalid(
                Field::Content,
                "the text holds a NUL character",
            ));
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A group's name: 1 to 100 characters after trimming, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupName(String);

impl GroupName {
    /// Trims and checks a name.
    pub fn parse(name: &str) -> Result<Self, Rejection> {
        let name = name.trim();
        if name.is_empty() {
            return Err(Rejection::invalid(Field::Name, "the name is empty"));
        }
        if name.chars().count() > GROUP_NAME_CHARS_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Name,
                max: GROUP_NAME_CHARS_MAX,
            });
        }
        if name.chars().any(char::is_control) {
            return Err(Rejection::invalid(
                Field::Name,
                "the name holds a control character",
            ));
        }
        Ok(Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_text_has_between_1_and_8192_bytes() {
        assert!(MessageText::parse("").is_err());
        assert!(MessageText::parse("a").is_ok());
        assert!(MessageText::parse("ä".repeat(4096)).is_ok());
        assert_eq!(
            MessageText::parse("ä".repeat(4096) + "a"),
            Err(Rejection::TooLarge {
                field: Field::Content,
                max: 8192
            })
        );
        assert!(MessageText::parse("a\0b").is_err());
    }

    #[test]
    fn a_group_name_is_trimmed() {
        assert_eq!(
            GroupName::parse("  a b ").map(|n| n.as_str().to_owned()),
            Ok("a b".to_owned())
        );
        assert!(GroupName::parse(" \t").is_err());
        assert!(GroupName::parse("a\nb").is_err());
        assert!(GroupName::parse(&"x".repeat(101)).is_err());
    }
}
