//! Tokens of an outside issuer: verified with the public keys that it serves as a JWK set.

use super::config::OutsideIssuer;
use super::key_set::{FetchError, PublicKey, SET_BYTES_MAX, read_key_set, select};
use super::principal::AuthError;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Header, Validation, decode};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How far an issuer's clock may be ahead of ours.
const CLOCK_SKEW_S: f64 = 60.0;
/// How long after a failed first fetch the next one may follow.
const FIRST_FETCH_INTERVAL: Duration = Duration::from_secs(1);
const SUBJECT_BYTES_MAX: usize = 255;

/// One outside issuer and its keys.
pub(super) struct Issuer {
    config: OutsideIssuer,
    http: reqwest::Client,
    keys: RwLock<Option<Arc<Vec<PublicKey>>>>,
    fetched: Mutex<Option<Instant>>,
}

/// Whom a token of an outside issuer speaks for.
#[derive(Debug, PartialEq)]
pub(super) struct Outsider {
    pub(super) subject: String,
    pub(super) preferred_username: Option<String>,
    pub(super) name: Option<String>,
    pub(super) expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    preferred_username: Option<String>,
    name: Option<String>,
}

/// A client for fetching key sets. It follows no redirects and asks no proxy.
pub(super) fn http_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    // It fails only where another one was installed first, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
        .build()
}

impl Issuer {
    pub(super) fn new(config: OutsideIssuer, http: reqwest::Client) -> Self {
        Self {
            config,
            http,
            keys: RwLock::default(),
            fetched: Mutex::default(),
        }
    }

    /// What its tokens say as `iss`.
    pub(super) fn name(&self) -> &str {
        &self.config.issuer
    }

    /// Verifies a token that names this issuer. A key that is not known yet is looked for, at most so often.
    pub(super) async fn verify(
        &self,
        token: &str,
        header: &Header,
        now: DateTime<Utc>,
    ) -> Result<Outsider, AuthError> {
        if let Some(keys) = self.keys()
            && let Some(key) = select(&keys, header)
        {
            return self.verify_with(token, key, now);
        }
        self.fetch_if_due().await;
        let keys = self.keys().ok_or(AuthError::Unavailable)?;
        let key = select(&keys, header).ok_or(AuthError::Invalid)?;
        self.verify_with(token, key, now)
    }

    fn verify_with(&self, token: &str, key: &PublicKey, now: DateTime<Utc>) -> Result<Outsider, AuthError> {
        let mut validation = Validation::new(key.algorithm);
        // The time is an argument here and the library's own clock is not asked.
        validation.validate_exp = false;
        let mut required = HashSet::from(["exp".to_owned(), "iss".to_owned(), "sub".to_owned()]);
        validation.set_issuer(&[&self.config.issuer]);
        match &self.config.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.insert("aud".to_owned());
            }
            None => validation.validate_aud = false,
        }
        validation.required_spec_claims = required;
        let claims: Claims = decode(token, &key.key, &validation)
            .map_err(|_| AuthError::Invalid)?
            .claims;
        if claims.sub.is_empty() || claims.sub.len() > SUBJECT_BYTES_MAX || claims.sub.contains('\0') {
            return Err(AuthError::Invalid);
        }
        let seconds = now.timestamp_millis() as f64 / 1000.0;
        if claims.nbf.is_some_and(|nbf| nbf > seconds + CLOCK_SKEW_S) {
            return Err(AuthError::Invalid);
        }
        if claims.exp <= seconds {
            return Err(AuthError::Expired);
        }
        let expires_at =
            DateTime::from_timestamp_millis((claims.exp * 1000.0) as i64).ok_or(AuthError::Invalid)?;
        Ok(Outsider {
            subject: claims.sub,
            preferred_username: claims.preferred_username,
            name: claims.name,
            expires_at,
        })
    }

    fn keys(&self) -> Option<Arc<Vec<PublicKey>>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch_if_due(&self) {
        let mut fetched = self.fetched.lock().await;
        let interval = match self.keys() {
            Some(_) => Duration::from_secs(self.config.refresh_s.into()),
            None => FIRST_FETCH_INTERVAL.min(Duration::from_secs(self.config.refresh_s.into())),
        };
        if fetched.is_none_or(|at| at.elapsed() >= interval) {
            self.fetch().await;
            *fetched = Some(Instant::now());
        }
    }

    /// Fetches the keys now. When that fails, the old ones stay.
    pub(super) async fn refresh(&self) {
        let mut fetched = self.fetched.lock().await;
        self.fetch().await;
        *fetched = Some(Instant::now());
    }

    async fn fetch(&self) {
        match self.try_fetch().await {
            Ok(keys) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys)),
            Err(error) => {
                tracing::warn!(issuer = self.name(), %error, "an outside issuer's keys cannot be had");
            }
        }
    }

    async fn try_fetch(&self) -> Result<Vec<PublicKey>, FetchError> {
        let mut response = self
            .http
            .get(&self.config.jwks_url)
            .send()
            .await?
            .error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > SET_BYTES_MAX {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        read_key_set(&body)
    }
}
