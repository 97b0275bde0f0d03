//! From a token to a principal.

use super::identity::Identities;
use super::issuer::Issuer;
use super::keys::Keys;
use super::principal::{AuthError, Principal};
use super::standing::Standing;
use super::token::Refusal;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header, dangerous, decode_header};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// Far more than any token has.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Verifies access tokens. Cheap to clone; a token of ours costs no query.
///
/// A valid token stays valid until it expires, unless its user is suspended, its account is deleted or its session ends.
#[derive(Clone)]
pub struct Authenticator {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) keys: Keys,
    pub(super) issuers: Vec<Issuer>,
    pub(super) identities: Identities,
    pub(super) standing: Standing,
}

#[derive(Deserialize)]
struct UnverifiedIssuer {
    iss: String,
}

impl Authenticator {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Returns whom a token speaks for at `now`. For a token of ours this asks the database only when another node
    /// has just begun to use a new key.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Principal, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Invalid);
        }
        let header = decode_header(token).map_err(|_| AuthError::Invalid)?;
        // Extensions that must be understood are not.
        if header.crit.is_some() {
            return Err(AuthError::Invalid);
        }
        let principal = match header.alg {
            Algorithm::HS256 => self.verify_ours(token, &header, now).await?,
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA => {
                Box::pin(self.verify_outside(token, &header, now)).await?
            }
            _ => return Err(AuthError::Invalid),
        };
        match self.refusal(principal.user, principal.session) {
            Some(error) => Err(error),
            None => Ok(principal),
        }
    }

    /// Why a token of this user and session, which was valid, is so no longer; `None` while it is.
    pub fn refusal(&self, user: Uuid, session: Option<Uuid>) -> Option<AuthError> {
        self.shared.standing.refusal(user, session)
    }

    /// Tells whenever answers of [`Self::refusal`] may have changed, within a second of the change on whatever node.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.standing.changes()
    }

    /// Those whose accounts were deleted of late. [`Self::changes`] tells when there are more.
    pub fn deleted(&self) -> HashSet<Uuid> {
        self.shared.standing.deleted()
    }

    /// Waits until a token of this user and session is valid no longer, for another reason than its age.
    pub async fn ended(&self, user: Uuid, session: Option<Uuid>) -> AuthError {
        let mut changes = self.changes();
        loop {
            if let Some(error) = self.refusal(user, session) {
                return error;
            }
            if changes.changed().await.is_err() {
                // The node has ended, and whoever waits ends with it.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn verify_ours(
        &self,
        token: &str,
        header: &Header,
        now: DateTime<Utc>,
    ) -> Result<Principal, AuthError> {
        let kid = header.kid.as_deref();
        let keys = &self.shared.keys;
        match keys.ring().verify(token, kid, now) {
            Ok(principal) => return Ok(principal),
            Err(Refusal::Bad(error)) => return Err(error),
            Err(Refusal::UnknownKey) => {}
        }
        let ring = keys.reload().await.map_err(|error| {
            tracing::warn!(%error, "signing keys cannot be loaded");
            AuthError::Unavailable
        })?;
        ring.verify(token, kid, now).map_err(|refusal| match refusal {
            Refusal::Bad(error) => error,
            Refusal::UnknownKey => AuthError::Invalid,
        })
    }

    async fn verify_outside(
        &self,
        token: &str,
        header: &Header,
        now: DateTime<Utc>,
    ) -> Result<Principal, AuthError> {
        // Only to find the issuer; its keys then decide whether the token may say so.
        let unverified: UnverifiedIssuer =
            dangerous::insecure_decode_claims(token).map_err(|_| AuthError::Invalid)?;
        let mut issuers = self.shared.issuers.iter();
        let issuer = issuers
            .find(|issuer| issuer.name() == unverified.iss)
            .ok_or(AuthError::Invalid)?;
        let outsider = issuer.verify(token, header, now).await?;
        let (user, roles) = self.shared.identities.account(issuer.name(), &outsider).await?;
        Ok(Principal {
            user,
            roles,
            expires_at: outsider.expires_at,
            session: None,
        })
    }
}
