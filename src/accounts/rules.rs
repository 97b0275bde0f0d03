//! What usernames, passwords and display names must look like. Checked once, at the edge.

use std::collections::HashSet;
use std::sync::LazyLock;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

/// 3 to 32 ASCII letters, digits, `_`, `-` or `.`, beginning with a letter or digit. Upper and lower case are kept,
/// but make no difference when names are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// 8 to 256 bytes, of any kind, compared after composition (NFC); not the username, and not one of the passwords that
/// everybody tries first.
#[derive(Clone)]
pub struct Password(String);

/// A name by the [domain's rule](tidings_domain::DisplayName).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

/// A rule that a field broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{rule}")]
pub struct Broken {
    /// The field as the wire calls it.
    pub field: &'static str,
    /// The whole rule, for people.
    pub rule: &'static str,
}

impl Broken {
    /// The same rule, broken by another field.
    pub(super) fn of(self, field: &'static str) -> Self {
        Self { field, ..self }
    }
}

const USERNAME: Broken = Broken {
    field: "username",
    rule: "a username has 3 to 32 characters, ASCII letters, digits, `_`, `-` or `.`, and begins with a letter or digit",
};
const PASSWORD: Broken = Broken {
    field: "password",
    rule: "a password has 8 to 256 bytes",
};
const PASSWORD_IS_NAME: Broken = Broken {
    field: "password",
    rule: "a password differs from the username",
};
const PASSWORD_COMMON: Broken = Broken {
    field: "password",
    rule: "this password is among the first that anybody would try",
};
const DISPLAY_NAME: Broken = Broken {
    field: "display_name",
    rule: "a display name has 1 to 64 characters, shows something, and holds no control characters or spaces around it",
};

pub(super) const USERNAME_LEN_MAX: usize = 32;
pub(super) const USERNAME_LEN_MIN: usize = 3;
const PASSWORD_LEN_MIN: usize = 8;
const PASSWORD_LEN_MAX: usize = 256;
/// The longest in bytes before it is composed, which makes it at most three times as short.
const PASSWORD_TYPED_MAX: usize = 3 * PASSWORD_LEN_MAX;
pub(super) use tidings_domain::text::DISPLAY_NAME_CHARS_MAX;

static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

impl Username {
    pub fn parse(text: &str) -> Result<Self, Broken> {
        let length = (USERNAME_LEN_MIN..=USERNAME_LEN_MAX).contains(&text.len());
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let rest = text.chars().all(username_character);
        if length && first && rest {
            Ok(Self(text.to_owned()))
        } else {
            Err(USERNAME)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which names are compared.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

pub(super) fn username_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// A password as it is hashed, so that one keyboard's `é` is another's: the profile `OpaqueString` of RFC 8265, but for the
/// characters that it refuses. Spaces of every kind become the one of ASCII, and everything is composed (NFC). `None` when it is
/// too long.
pub(super) fn prepare(password: &str) -> Option<String> {
    if password.len() > PASSWORD_TYPED_MAX {
        return None;
    }
    let prepared: String = password
        .chars()
        .map(|c| if is_space(c) { ' ' } else { c })
        .nfc()
        .collect();
    (prepared.len() <= PASSWORD_LEN_MAX).then_some(prepared)
}

/// Unicode's general category Zs.
fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

impl Password {
    pub fn parse(text: &str, username: &Username) -> Result<Self, Broken> {
        let text = prepare(text).ok_or(PASSWORD)?;
        if !(PASSWORD_LEN_MIN..=PASSWORD_LEN_MAX).contains(&text.len()) {
            return Err(PASSWORD);
        }
        if text.eq_ignore_ascii_case(username.as_str()) {
            return Err(PASSWORD_IS_NAME);
        }
        if COMMON.contains(text.to_ascii_lowercase().as_str()) {
            return Err(PASSWORD_COMMON);
        }
        Ok(Self(text))
    }

    pub(super) fn into_inner(self) -> String {
        self.0
    }
}

impl DisplayName {
    pub fn parse(text: &str) -> Result<Self, Broken> {
        let name = tidings_domain::DisplayName::parse(text).map_err(|_| DISPLAY_NAME)?;
        Ok(Self(name.as_str().to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Username> for DisplayName {
    fn from(username: &Username) -> Self {
        Self(username.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_keeps_its_case_and_is_compared_without() {
        let name = Username::parse("Ada.Lovelace-1_x").unwrap();
        assert_eq!(
            (name.as_str(), name.key().as_str()),
            ("Ada.Lovelace-1_x", "ada.lovelace-1_x")
        );
    }

    #[test]
    fn usernames_that_could_deceive_are_refused() {
        for name in [
            "",
            "ab",
            ".ada",
            "-ada",
            "_ada",
            "ad a",
            "adä",
            "аda",
            "ada\n",
            "ada\0",
            "ada@example",
            &"a".repeat(33),
        ] {
            assert_eq!(Username::parse(name).unwrap_err().field, "username", "{name:?}");
        }
        assert!(Username::parse(&"a".repeat(32)).is_ok());
        assert!(Username::parse("123").is_ok());
    }

    #[test]
    fn weak_passwords_are_refused() {
        let ada = Username::parse("ada.lovelace").unwrap();
        let parse = |text: &str| Password::parse(text, &ada);
        for text in [
            "",
            "1234567",
            "password",
            "PassWord1",
            "ADA.lovelace",
            &"x".repeat(257),
        ] {
            assert_eq!(parse(text).err().unwrap().field, "password", "{text:?}");
        }
        assert!(parse("motor boat").is_ok());
        assert!(parse("ääää").is_ok());
        assert!(parse(&"x".repeat(256)).is_ok());
    }

    #[test]
    fn a_password_is_the_same_however_it_is_composed() {
        assert_eq!(
            prepare("cafe\u{301} au lait"),
            prepare("caf\u{e9}\u{a0}au\u{3000}lait")
        );
        assert_ne!(prepare("cafe au lait"), prepare("caf\u{e9} au lait"));
        assert_eq!(
            prepare("\u{fb01}sh"),
            Some("\u{fb01}sh".to_owned()),
            "no more than composed"
        );
        let longest = "e\u{301}".repeat(128);
        assert_eq!(prepare(&longest).map(|text| text.len()), Some(256));
        assert_eq!(prepare(&"x".repeat(257)), None);
    }

    #[test]
    fn every_common_password_is_one_that_the_list_can_meet() {
        for password in COMMON.iter() {
            assert!(
                password.len() >= PASSWORD_LEN_MIN,
                "{password} is refused for its length already"
            );
            assert_eq!(*password, password.to_ascii_lowercase());
        }
    }

    #[test]
    fn a_display_name_is_trimmed_and_counted_in_characters() {
        assert_eq!(DisplayName::parse("  Ada ♥ ").unwrap().as_str(), "Ada ♥");
        assert!(DisplayName::parse(&"ä".repeat(64)).is_ok());
        for name in ["", "   ", "a\nb", "a\u{0}b", "a\u{9d}b", &"ä".repeat(65)] {
            assert_eq!(
                DisplayName::parse(name).unwrap_err().field,
                "display_name",
                "{name:?}"
            );
        }
    }
}
