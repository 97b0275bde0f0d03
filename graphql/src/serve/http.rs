//! GraphQL over HTTP and, for subscriptions, over WebSocket.

mod accept;
mod body;
mod endpoint;
mod reply;
mod socket;

use crate::errors::{Code, Refusal};
use crate::serve::graphql::Graphql;
use crate::viewer::Viewer;
use async_graphql::Request;
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::get;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub use body::{BodyError, read_body};
pub use reply::retry_after;

/// The longest request, in bytes.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;

/// Finds out who a token speaks for.
pub trait Authenticate: Send + Sync + 'static {
    /// The viewer that `token` speaks for, or a refusal: `unauthenticated` for a token that is not good, `unavailable` when
    /// that cannot be found out.
    fn viewer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Viewer, Refusal>>;

    /// Counts a socket that the viewer begins, or says how long they have to wait before that.
    fn begins(&self, viewer: &Viewer) -> Result<(), Duration>;

    /// Waits until the viewer's token is no longer good although it has not expired: the user is suspended, the session
    /// revoked.
    fn ended<'a>(&'a self, viewer: &Viewer) -> BoxFuture<'a, ()>;
}

/// What serving GraphQL needs.
#[derive(Clone)]
pub struct Service {
    pub graphql: Graphql,
    pub authenticate: Arc<dyn Authenticate>,
    /// The page for people who open the address with a browser; `None` when this build has none.
    pub playground: fn() -> Option<Response>,
    /// How long a client of a socket may take to say who it is.
    pub init: Duration,
    /// Cancelled when sockets must end.
    pub draining: CancellationToken,
}

/// `/graphql` and `/graphql/ws`.
pub fn routes(service: Service) -> Router {
    Router::new()
        .route("/graphql", get(endpoint::get).post(endpoint::post))
        .route("/graphql/ws", get(socket::upgrade))
        .with_state(service)
}

impl Service {
    /// The viewer that the request's `Authorization` speaks for; `None` when it has none.
    async fn viewer(&self, headers: &HeaderMap) -> Result<Option<Viewer>, Refusal> {
        match bearer(headers).map_err(|NotBearer| not_bearer())? {
            None => Ok(None),
            Some(token) => self.authenticate.viewer(token).await.map(Some),
        }
    }
}

/// `Authorization` says something else than `Bearer <token>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBearer;

/// The token of the request, from its `Authorization`; `None` when there is no such header.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, NotBearer> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let authorization = authorization.to_str().map_err(|_| NotBearer)?;
    token_of(authorization).map(Some)
}

/// The token in `Bearer <token>`. The one rule for all that takes tokens so: the scheme in any case, and any blanks around
/// the token.
fn token_of(authorization: &str) -> Result<&str, NotBearer> {
    let (scheme, token) = authorization.trim().split_once([' ', '\t']).ok_or(NotBearer)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(NotBearer)
    }
}

fn not_bearer() -> Refusal {
    Refusal::new(Code::Unauthenticated, "the authorization is not `Bearer <token>`")
}

/// A request as the library has read it, without what some clients send for nothing.
fn tidy(mut request: Request) -> Request {
    request.operation_name = request.operation_name.filter(|name| !name.is_empty());
    request
}
