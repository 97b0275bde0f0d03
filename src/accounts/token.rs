//! Our own access tokens: JWTs signed with HS256.

use super::principal::{AuthError, Principal};
use crate::role::{self, Role};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;
use uuid::Uuid;

/// Keys by name, the newest first, which signs. The others verify what they signed.
pub(super) struct KeyRing {
    issuer: String,
    signer: EncodingKey,
    header: Header,
    keys: Vec<(String, DecodingKey)>,
    validation: Validation,
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    exp: i64,
    iat: i64,
    iss: String,
    roles: Vec<String>,
    sid: Uuid,
}

/// Why a token of ours is not valid.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Signed with a key that is not on the ring; it may be newer than the ring.
    UnknownKey,
    Bad(AuthError),
}

impl KeyRing {
    /// `None` without keys. Each is a name and a secret, the newest first.
    pub(super) fn new(issuer: &str, keys: &[(String, Vec<u8>)]) -> Option<Self> {
        let (kid, secret) = keys.first()?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(kid.clone());
        let mut validation = Validation::new(Algorithm::HS256);
        // The time is an argument here and the library's own clock is not asked.
        validation.validate_exp = false;
        validation.required_spec_claims =
            HashSet::from(["exp".to_owned(), "iss".to_owned(), "sub".to_owned()]);
        validation.set_issuer(&[issuer]);
        Some(Self {
            issuer: issuer.to_owned(),
            signer: EncodingKey::from_secret(secret),
            header,
            keys: keys
                .iter()
                .map(|(kid, secret)| (kid.clone(), DecodingKey::from_secret(secret)))
                .collect(),
            validation,
        })
    }

    /// Signs a token, which is good until `expires_at`, to the second.
    pub(super) fn sign(
        &self,
        user: Uuid,
        roles: &[Role],
        session: Uuid,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub: user,
            exp: expires_at.timestamp(),
            iat: now.timestamp(),
            iss: self.issuer.clone(),
            roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
            sid: session,
        };
        encode(&self.header, &claims, &self.signer)
    }

    /// Verifies a token whose header was read already.
    pub(super) fn verify(
        &self,
        token: &str,
        kid: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Principal, Refusal> {
        let kid = kid.ok_or(Refusal::Bad(AuthError::Invalid))?;
        let (_, key) = self
            .keys
            .iter()
            .find(|(name, _)| name == kid)
            .ok_or(Refusal::UnknownKey)?;
        let claims: Claims = decode(token, key, &self.validation)
            .map_err(|_| Refusal::Bad(AuthError::Invalid))?
            .claims;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(Refusal::Bad(AuthError::Invalid))?;
        if expires_at <= now {
            return Err(Refusal::Bad(AuthError::Expired));
        }
        let roles = role::parse(claims.roles.iter().map(String::as_str));
        Ok(Principal {
            user: claims.sub,
            roles,
            expires_at,
            session: Some(claims.sid),
        })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|(kid, _)| kid))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use serde_json::json;

    fn ring(names: &[&str]) -> KeyRing {
        let keys: Vec<_> = names
            .iter()
            .map(|name| ((*name).to_owned(), name.repeat(32).into_bytes()))
            .collect();
        KeyRing::new("tidings", &keys).unwrap()
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn token(ring: &KeyRing) -> String {
        ring.sign(
            Uuid::from_u128(7),
            &[Role::Admin],
            Uuid::from_u128(8),
            at(1000),
            at(2000),
        )
        .unwrap()
    }

    #[test]
    fn a_token_says_who_until_when() {
        let ring = ring(&["a"]);
        let principal = ring.verify(&token(&ring), Some("a"), at(1999)).unwrap();
        assert_eq!(principal.user, Uuid::from_u128(7));
        assert_eq!(principal.session, Some(Uuid::from_u128(8)));
        assert_eq!(principal.expires_at, at(2000));
        assert!(principal.is_admin());
        assert_eq!(
            ring.verify(&token(&ring), Some("a"), at(2000)),
            Err(Refusal::Bad(AuthError::Expired))
        );
    }

    #[test]
    fn an_older_key_verifies_what_it_signed() {
        let (old, new) = (ring(&["a"]), ring(&["b", "a"]));
        assert!(new.verify(&token(&old), Some("a"), at(1999)).is_ok());
        assert_eq!(
            old.verify(&token(&new), Some("b"), at(1999)),
            Err(Refusal::UnknownKey)
        );
        // A token that names another key than signed it.
        assert_eq!(
            new.verify(&token(&old), Some("b"), at(1999)),
            Err(Refusal::Bad(AuthError::Invalid))
        );
    }

    #[test]
    fn a_changed_token_is_refused() {
        let ring = ring(&["a"]);
        let good = token(&ring);
        let mut parts = good.split('.');
        let (head, body, signature) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let other = ring
            .sign(Uuid::nil(), &[], Uuid::nil(), at(1000), at(3000))
            .unwrap();
        let other_body = other.split('.').nth(1).unwrap();
        for forged in [
            format!("{head}.{other_body}.{signature}"),
            format!("{head}.{body}."),
            format!("{head}.{body}"),
            format!("{head}.{body}.{signature}A"),
            format!("{body}.{body}.{signature}"),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(
                ring.verify(&forged, Some("a"), at(1500)),
                Err(Refusal::Bad(AuthError::Invalid)),
                "{forged}"
            );
        }
    }

    #[test]
    fn a_token_without_what_it_must_say_is_refused() {
        let ring = ring(&["a"]);
        let whole = json!({"sub": Uuid::nil(), "exp": 2000, "iat": 1, "iss": "tidings", "roles": [], "sid": Uuid::nil()});
        let sign = |claims: &serde_json::Value| encode(&ring.header, claims, &ring.signer).unwrap();
        assert!(ring.verify(&sign(&whole), Some("a"), at(1500)).is_ok());
        for (field, value) in [
            ("iss", json!("others")),
            ("iss", json!(null)),
            ("exp", json!(null)),
            ("exp", json!("2000")),
            ("exp", json!(i64::MAX)),
            ("sub", json!("root")),
            ("sid", json!(null)),
        ] {
            let mut claims = whole.clone();
            claims[field] = value.clone();
            let answer = ring.verify(&sign(&claims), Some("a"), at(1500));
            assert_eq!(answer, Err(Refusal::Bad(AuthError::Invalid)), "{field} {value}");
        }
    }

    #[test]
    fn unknown_roles_give_nothing() {
        let ring = ring(&["a"]);
        let claims = json!({"sub": Uuid::nil(), "exp": 2000, "iat": 1, "iss": "tidings", "roles": ["root"], "sid": Uuid::nil()});
        let token = encode(&ring.header, &claims, &ring.signer).unwrap();
        let principal = ring
            .verify(&token, Some("a"), at(2000) - TimeDelta::seconds(1))
            .unwrap();
        assert!(principal.roles.is_empty());
    }
}
