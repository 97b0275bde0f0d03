//! Who sends a request.

use super::principal::{AuthError, Principal};
use super::service::Accounts;
use crate::clock;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tidings_graphql::http::bearer;
use tidings_protocol::ErrorCode;

/// The user who sends a good token with a request.
pub(super) struct Bearer(pub(super) Principal);

impl FromRequestParts<Accounts> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, accounts: &Accounts) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok().flatten();
        let token = token.ok_or_else(|| Problem::unauthenticated("a valid token is needed"))?;
        let verified = accounts.authenticator().verify(token, clock::now()).await;
        verified.map(Self).map_err(|error| match error {
            AuthError::Suspended => Problem::new(ErrorCode::Forbidden, error.to_string()),
            AuthError::Unavailable => Problem::unavailable(error.to_string()),
            AuthError::Expired | AuthError::Invalid | AuthError::Ended => {
                Problem::unauthenticated(error.to_string())
            }
        })
    }
}
