//! Texts that people write, checked once at the edge.

use crate::rejection::{Field, Rejection};
use serde::{Deserialize, Serialize};

/// The longest message text, in bytes of UTF-8.
pub const MESSAGE_TEXT_BYTES_MAX: usize = 8192;
/// The longest name of a file, in bytes of UTF-8.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// The longest name of a person, in characters.
pub const DISPLAY_NAME_CHARS_MAX: usize = 64;
/// The longest text in which people tell of themselves, in characters.
pub const ABOUT_CHARS_MAX: usize = 256;
/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 256;
/// The longest note that goes with a report, in characters.
pub const REPORT_NOTE_CHARS_MAX: usize = 1000;
/// The longest text that goes with a contact request, in characters.
pub const GREETING_CHARS_MAX: usize = 256;
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

/// Whether a name can be shown among others: something of it is seen, and it holds no control characters, among which are
/// those that turn the direction of the line around. The rule for names of groups and of people.
pub fn is_presentable(name: &str) -> bool {
    let refused = |char: char| char.is_control() || turns_the_line(char);
    !name.chars().any(refused) && name.chars().any(|char| !is_unseen(char))
}

/// Unicode's `Bidi_Control`.
pub fn turns_the_line(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Blanks, Unicode's `Default_Ignorable_Code_Point`, and the letter of Braille that has no dots.
pub(crate) fn is_unseen(char: char) -> bool {
    char.is_whitespace()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The name of a file: 1 to 255 bytes of UTF-8, [presentable](is_presentable), without folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// Checks a name. Of a path, only what stands behind the last folder is kept.
    pub fn parse(name: &str) -> Result<Self, Rejection> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
        if name.is_empty() || name == "." || name == ".." {
            return Err(Rejection::invalid(Field::Name, "the name is empty"));
        }
        if name.len() > FILE_NAME_BYTES_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Name,
                max: FILE_NAME_BYTES_MAX,
            });
        }
        if !is_presentable(name) {
            return Err(Rejection::invalid(
                Field::Name,
                "the name shows nothing, or holds a control character",
            ));
        }
        Ok(Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person's name as it is shown: 1 to 64 characters after trimming, [presentable](is_presentable).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DisplayName(String);

impl DisplayName {
    /// Trims and checks a name.
    pub fn parse(name: &str) -> Result<Self, Rejection> {
        let name = name.trim();
        if name.chars().count() > DISPLAY_NAME_CHARS_MAX {
            return Err(Rejection::TooLarge {
                field: Field::DisplayName,
                max: DISPLAY_NAME_CHARS_MAX,
            });
        }
        if !is_presentable(name) {
            return Err(Rejection::invalid(
                Field::DisplayName,
                "the name shows nothing, or holds a control character",
            ));
        }
        Ok(Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What people tell of themselves: up to 256 characters after trimming, on several lines if they like, without other control
/// characters. An empty one tells nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct About(String);

impl About {
    /// Trims and checks a text.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let text = text.trim();
        if text.chars().count() > ABOUT_CHARS_MAX {
            return Err(Rejection::TooLarge {
                field: Field::About,
                max: ABOUT_CHARS_MAX,
            });
        }
        if text
            .chars()
            .any(|char| char != '\n' && char.is_control() || turns_the_line(char))
        {
            return Err(Rejection::invalid(
                Field::About,
                "the text holds a control character",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why somebody did something to somebody else: 1 to 256 characters after trimming, [presentable](is_presentable).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(String);

impl Reason {
    /// Trims and checks a reason.
    pub fn parse(reason: &str) -> Result<Self, Rejection> {
        let reason = reason.trim();
        if reason.chars().count() > REASON_CHARS_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Reason,
                max: REASON_CHARS_MAX,
            });
        }
        if !is_presentable(reason) {
            return Err(Rejection::invalid(
                Field::Reason,
                "the reason shows nothing, or holds a control character",
            ));
        }
        Ok(Self(reason.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody says of a message that they report: 1 to 1,000 characters after trimming, on several lines if they like, otherwise
/// [presentable](is_presentable).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReportNote(String);

impl ReportNote {
    /// Trims and checks a note.
    pub fn parse(note: &str) -> Result<Self, Rejection> {
        let note = note.trim();
        if note.chars().count() > REPORT_NOTE_CHARS_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Note,
                max: REPORT_NOTE_CHARS_MAX,
            });
        }
        if !is_presentable(&note.replace('\n', " ")) {
            return Err(Rejection::invalid(
                Field::Note,
                "the note shows nothing, or holds a control character",
            ));
        }
        Ok(Self(note.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody says who asks to be a contact: 1 to 256 characters after trimming, [presentable](is_presentable).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Greeting(String);

impl Greeting {
    /// Trims and checks a text.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let text = text.trim();
        if text.chars().count() > GREETING_CHARS_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Text,
                max: GREETING_CHARS_MAX,
            });
        }
        if !is_presentable(text) {
            return Err(Rejection::invalid(
                Field::Text,
                "the text shows nothing, or holds a control character",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A group's name: 1 to 100 characters after trimming, [presentable](is_presentable).
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
        if !is_presentable(name) {
            return Err(Rejection::invalid(
                Field::Name,
                "the name shows nothing, or holds a control character",
            ));
        }
        Ok(Self(name.to_owned()))
    }

    /// One that was kept: it was a name once, whatever today's rules say.
    pub(crate) fn kept(name: String) -> Self {
        Self(name)
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
        assert!(GroupName::parse(&"ä".repeat(100)).is_ok());
        assert!(GroupName::parse(&"x".repeat(101)).is_err());
    }

    #[test]
    fn people_have_names_that_show_something_and_tell_of_themselves_on_lines() {
        let name = |name: &str| DisplayName::parse(name).map(|name| name.as_str().to_owned());
        assert_eq!(name("  Ada ♥ "), Ok("Ada ♥".to_owned()));
        assert!(name(&"ä".repeat(64)).is_ok());
        for refused in ["", "  ", "a\nb", "\u{200b}", &"a".repeat(65)] {
            assert!(name(refused).is_err(), "{refused:?}");
        }
        let about = |text: &str| About::parse(text).map(|text| text.as_str().to_owned());
        assert_eq!(about(" one\ntwo "), Ok("one\ntwo".to_owned()));
        assert_eq!(about("  "), Ok(String::new()));
        assert!(about(&"ä".repeat(256)).is_ok());
        for refused in ["a\0b", "a\u{202e}b", "a\tb", &"a".repeat(257)] {
            assert!(about(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn a_file_has_a_name_and_no_folders() {
        let name = |name: &str| FileName::parse(name).map(|name| name.as_str().to_owned());
        assert_eq!(name(" a hill.png "), Ok("a hill.png".to_owned()));
        assert_eq!(name("../../etc/passwd"), Ok("passwd".to_owned()));
        assert_eq!(name("C:\\fakepath\\a.txt"), Ok("a.txt".to_owned()));
        for refused in [
            "",
            " ",
            ".",
            "..",
            "a/",
            "a/..",
            "a\nb",
            "a\u{202e}gnp.exe",
            "\u{200b}",
        ] {
            assert!(name(refused).is_err(), "{refused:?}");
        }
        assert!(name(&("ä".repeat(127) + "a")).is_ok());
        assert_eq!(
            name(&"ä".repeat(128)),
            Err(Rejection::TooLarge {
                field: Field::Name,
                max: 255
            })
        );
    }

    #[test]
    fn a_name_shows_something_and_leaves_the_line_as_it_is() {
        for name in [
            "\u{200b}",
            "\u{200b}\u{2060}\u{feff}",
            "\u{3164}",
            "\u{2800} \u{2800}",
            "\u{202e}nna",
            "ann\u{2066}a",
            "\u{200f}ann",
            "a\u{7}",
        ] {
            assert!(
                !is_presentable(name) && GroupName::parse(name).is_err(),
                "{name:?}"
            );
        }
        // Joiners are part of words and of emoji, and most scripts need no control to be read from the right.
        for name in [
            "א ב",
            "نام\u{200c}ها",
            "\u{1f469}\u{200d}\u{1f4bb}",
            "e\u{301}",
            "\u{2764}\u{fe0f}",
        ] {
            assert!(is_presentable(name) && GroupName::parse(name).is_ok(), "{name:?}");
        }
    }
}
