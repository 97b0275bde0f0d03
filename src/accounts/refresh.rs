//! Refresh tokens: opaque, random, and stored only as their hash. And the admission that they bring.

use super::admission::{Admission, Caller};
use super::error::AccountError;
use super::service::Accounts;
use crate::role;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use uuid::Uuid;

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

impl Accounts {
    /// Admits a user again by a refresh token, which is spent by it. Presented again soon, and before its successor was used,
    /// it is taken for the same refresh repeated: by another tab, or because the answer was lost. Later it revokes the
    /// session: somebody else may have it.
    pub async fn refresh(
        &self,
        refresh_token: &str,
        from: impl Into<Caller>,
    ) -> Result<Admission, AccountError> {
        let this = &*self.inner;
        let from = from.into();
        this.guard.refresh(from.address)?;
        let bad = || {
            this.guard
                .wrong_address(from.address, AccountError::BadRefreshToken)
        };
        let old = RefreshToken::parse(refresh_token).ok_or_else(bad)?;
        let new = RefreshToken::random();
        let refresh = include_str!("sql/session_refresh.sql");
        let ttl_s = i64::from(this.config.refresh_ttl_s);
        let grace_s = i64::from(this.config.refresh_grace_s);
        let address = from.address.to_canonical().to_string();
        let row = this
            .database
            .row(
                refresh,
                &[
                    &old.hash().as_slice(),
                    &new.hash().as_slice(),
                    &ttl_s,
                    &grace_s,
                    &address,
                ],
            )
            .await?;
        let row = row.ok_or_else(|| AccountError::Unavailable("a refresh had no answer".to_owned()))?;
        match row.try_get("o_outcome")? {
            "refreshed" => {}
            "suspended" => return Err(AccountError::Suspended),
            "reused" => {
                let session: Uuid = row.try_get("o_session")?;
                tracing::warn!(%session, "a spent refresh token was used again; its session is revoked");
                this.shared.standing.look().await?;
                return Err(bad());
            }
            _ => return Err(bad()),
        }
        // Its owner is there, so what strangers guessed need not keep them out.
        let key: String = row.try_get("o_key")?;
        self.forget_attempts(&key, &from).await?;
        let roles: Vec<String> = row.try_get("o_roles")?;
        let roles = role::parse(roles.iter().map(String::as_str));
        this.admission(row.try_get("o_account")?, &roles, row.try_get("o_session")?, &new)
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
