//! GraphQL on this node: who may ask, and the page for people.

use super::assets;
use crate::auth::{AuthError, Authenticator, Principal};
use crate::clock;
use axum::Router;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tidings_eventlog::Pool;
use tidings_graphql::http::{Authenticate, Service};
use tidings_graphql::{Code, Graphql, GraphqlConfig, Refusal, Viewer};
use tidings_projections::Checkpoints;
use tokio_util::sync::CancellationToken;

/// `/graphql` and `/graphql/ws`, read through `pool`. `wait` bounds how long a query waits for a position; sockets end when
/// `draining` is cancelled.
pub fn routes(
    pool: Pool,
    checkpoints: Checkpoints,
    authenticator: Authenticator,
    wait: Duration,
    draining: CancellationToken,
) -> Router {
    // The other connections are for those who do not wait for lists.
    let statements_at_once = (pool.max_size() / 2).max(1);
    let config = GraphqlConfig {
        wait,
        statements_at_once,
        ..GraphqlConfig::default()
    };
    tidings_graphql::http::routes(Service {
        graphql: Graphql::new(pool, checkpoints, config),
        authenticate: Arc::new(Tokens(authenticator)),
        playground: || assets::get("graphiql/index.html"),
        draining,
    })
}

/// The tokens that the gateway takes too.
struct Tokens(Authenticator);

impl Authenticate for Tokens {
    fn viewer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Viewer, Refusal>> {
        Box::pin(async move {
            let now = clock::now();
            let Principal {
                user,
                roles,
                expires_at,
                ..
            } = self.0.verify(token, now).await.map_err(refusal)?;
            Ok(Viewer {
                user,
                roles: roles.into_iter().map(|role| role.as_str().to_owned()).collect(),
                valid_for: Some((expires_at - now).to_std().unwrap_or_default()),
            })
        })
    }
}

fn refusal(error: AuthError) -> Refusal {
    let code = match error {
        AuthError::Expired | AuthError::Invalid => Code::Unauthenticated,
        AuthError::Suspended => Code::Forbidden,
        AuthError::Unavailable => Code::Unavailable,
    };
    Refusal::new(code, error.to_string())
}
