//! JWK sets: which of the keys that an outside issuer serves are accepted, and which of them a token means.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use serde::Deserialize;
use thiserror::Error;

/// What an issuer may serve; real sets have a few kilobytes.
pub(super) const SET_BYTES_MAX: usize = 256 * 1024;
const SET_KEYS_MAX: usize = 100;
/// RSA below 2,048 bits is no longer safe. A modulus is base64url without padding.
const RSA_MODULUS_CHARS_MIN: usize = 2048 / 8 * 4 / 3;
/// Larger ones only cost time.
const RSA_MODULUS_CHARS_MAX: usize = 8192 / 8 * 4 / 3 + 4;
/// A key and the one algorithm that it is for.
pub(super) struct PublicKey {
    kid: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("the key set cannot be fetched: {0}")]
    Http(reqwest::Error),
    #[error("the key set has more than {SET_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the key set cannot be read")]
    Unreadable,
    #[error("the key set holds no key for RS256, ES256 or EdDSA")]
    Empty,
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // Where they were looked for may hold a secret.
        Self::Http(error.without_url())
    }
}

/// Keys of kinds that we do not accept are passed over, not refused: the set may serve others too.
pub(super) fn read_key_set(body: &[u8]) -> Result<Vec<PublicKey>, FetchError> {
    let set: KeySet = serde_json::from_slice(body).map_err(|_| FetchError::Unreadable)?;
    let keys = set
        .keys
        .into_iter()
        .filter_map(|key| serde_json::from_value(key).ok());
    let keys: Vec<_> = keys
        .filter_map(|key| public_key(&key))
        .take(SET_KEYS_MAX)
        .collect();
    if keys.is_empty() {
        Err(FetchError::Empty)
    } else {
        Ok(keys)
    }
}

/// The algorithm belongs to the key, so that a token cannot choose how it is read. Symmetric keys have no place in a
/// set that everybody can see.
fn public_key(jwk: &Jwk) -> Option<PublicKey> {
    let (algorithm, stated) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa)
            if (RSA_MODULUS_CHARS_MIN..=RSA_MODULUS_CHARS_MAX).contains(&rsa.n.len()) =>
        {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let common = &jwk.common;
    let meant = common
        .key_algorithm
        .as_ref()
        .is_none_or(|algorithm| *algorithm == stated);
    let signs = common
        .public_key_use
        .as_ref()
        .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    if !meant || !signs {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(PublicKey {
        kid: common.key_id.clone(),
        algorithm,
        key,
    })
}

/// The key that a token names, or the only one of its algorithm where it names none.
pub(super) fn select<'a>(keys: &'a [PublicKey], header: &Header) -> Option<&'a PublicKey> {
    let mut fitting = keys
        .iter()
        .filter(|key| key.algorithm == header.alg && (header.kid.is_none() || header.kid == key.kid));
    let first = fitting.next()?;
    if header.kid.is_none() && fitting.next().is_some() {
        None
    } else {
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn kinds(keys: &[Value]) -> Vec<Algorithm> {
        let body = serde_json::to_vec(&json!({ "keys": keys })).unwrap();
        read_key_set(&body).map_or_else(
            |_| Vec::new(),
            |keys| keys.iter().map(|key| key.algorithm).collect(),
        )
    }

    fn rsa(bits: usize) -> Value {
        let modulus = "u".repeat((bits / 8 * 4).div_ceil(3) - 1) + "A";
        json!({"kty": "RSA", "kid": "r", "n": modulus, "e": "AQAB"})
    }

    #[test]
    fn only_keys_of_accepted_kinds_are_taken() {
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let with = |key: &Value, name: &str, value: &str| {
            let mut key = key.clone();
            key[name] = json!(value);
            key
        };
        assert_eq!(
            kinds(&[rsa(2048), ed.clone()]),
            [Algorithm::RS256, Algorithm::EdDSA]
        );
        let refused = [
            json!({"kty": "oct", "kid": "o", "k": "c2VjcmV0"}),
            json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
            json!({"kty": "new", "crv": "?"}),
            json!("key"),
            rsa(1024),
            rsa(65_536),
            with(&ed, "use", "enc"),
            with(&ed, "alg", "ES256"),
            with(&rsa(2048), "alg", "RS512"),
            with(&rsa(2048), "alg", "HS256"),
        ];
        for key in refused {
            assert_eq!(kinds(&[key.clone(), ed.clone()]), [Algorithm::EdDSA], "{key}");
        }
    }

    #[test]
    fn a_token_without_a_key_name_needs_a_set_without_choice() {
        let body = serde_json::to_vec(&json!({"keys": [rsa(2048)]})).unwrap();
        let keys = read_key_set(&body).unwrap();
        assert!(select(&keys, &Header::new(Algorithm::RS256)).is_some());
        assert!(select(&keys, &Header::new(Algorithm::ES256)).is_none());
        let body = serde_json::to_vec(&json!({"keys": [rsa(2048), rsa(3072)]})).unwrap();
        let keys = read_key_set(&body).unwrap();
        assert!(select(&keys, &Header::new(Algorithm::RS256)).is_none());
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for body in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#] {
            assert!(read_key_set(body.as_bytes()).is_err(), "{body}");
        }
    }
}
