//! Refresh tokens: opaque, random, and stored only as their hash.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// 256 random bits; as a text, 64 hexadecimal digits. A hash without salt is enough for what cannot be guessed.
pub(super) struct RefreshToken([u8; 32]);

impl RefreshToken {
    pub(super) fn random() -> Self {
        Self(rand::random())
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut token = [0; 32];
        for (byte, pair) in token.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(token))
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_form() {
        let token = RefreshToken::random();
        assert_eq!(RefreshToken::parse(&token.text()).unwrap().hash(), token.hash());
        assert_ne!(RefreshToken::random().hash(), token.hash());
        assert_ne!(token.hash(), token.0);
    }

    #[test]
    fn other_texts_are_no_tokens() {
        for text in [
            "",
            "0",
            &"g".repeat(64),
            &"A".repeat(64),
            &"ä".repeat(32),
            &"0".repeat(63),
            &"0".repeat(65),
        ] {
            assert!(RefreshToken::parse(text).is_none(), "{text:?}");
        }
    }
}
