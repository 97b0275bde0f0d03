//! GraphQL on this node: who may ask, and the page for people.

use super::{ClientAddress, assets};
use crate::accounts::{AuthError, Authenticator, Principal};
use crate::clock;
use crate::problem::Problem;
use crate::rates::Connects;
use crate::role;
use crate::telemetry::trace_of;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidings_eventlog::Pool;
use tidings_graphql::http::{Authenticate, Service};
use tidings_graphql::{Backend, Code, Graphql, GraphqlConfig, Refusal, Viewer};
use tidings_projections::Checkpoints;
use tidings_protocol::ErrorCode;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

/// Where sockets are.
const SOCKETS: &str = "/graphql/ws";

/// What queries may cost. The cost of a query is one for each field, times the sizes of the pages that it lies in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GraphqlLimits {
    /// The longest answer, in bytes: of rows read, and of JSON. What would be longer is `too_large`.
    pub answer_bytes: usize,
    /// The bytes of all answers together that this node is making or sending; what would be more is `overloaded`.
    pub answers_bytes: usize,
    /// Requests that are answered at once; more are `overloaded`.
    pub requests_at_once: usize,
    /// Requests of one user that are answered at once; more are `rate_limited`. Those without a token count as one user.
    pub requests_per_user: usize,
    /// The cost that one user may cause each second in the long run; beyond it, requests are `rate_limited`.
    pub cost_per_second: u32,
    /// The cost that one user may cause at once.
    pub cost_burst: u32,
    /// How long a request may take in all, in milliseconds.
    pub deadline_ms: u64,
    /// How long a client of `/graphql/ws` may take to say who it is, in milliseconds.
    pub init_ms: u64,
}

impl Default for GraphqlLimits {
    fn default() -> Self {
        let config = GraphqlConfig::default();
        Self {
            answer_bytes: config.answer_bytes,
            answers_bytes: config.answers_bytes,
            requests_at_once: config.requests_at_once,
            requests_per_user: config.requests_per_viewer,
            cost_per_second: config.cost_per_second,
            cost_burst: config.cost_burst,
            deadline_ms: 15_000,
            init_ms: 10_000,
        }
    }
}

/// `/graphql` and `/graphql/ws`, read through `pool`; `backend` is what administrators see and do beyond that. `wait` bounds how long a query waits for a position; sockets end when
/// `draining` is cancelled.
pub fn routes(
    pool: Pool,
    checkpoints: Checkpoints,
    backend: Arc<dyn Backend>,
    tokens: Tokens,
    wait: Duration,
    limits: &GraphqlLimits,
    draining: CancellationToken,
) -> Router {
    // The other connections are for those who do not wait for lists.
    let statements_at_once = (pool.max_size() / 2).max(1);
    let config = GraphqlConfig {
        wait,
        statement_timeout: pool.timeout(),
        statements_at_once,
        deadline: Duration::from_millis(limits.deadline_ms),
        answer_bytes: limits.answer_bytes,
        answers_bytes: limits.answers_bytes,
        requests_at_once: limits.requests_at_once,
        requests_per_viewer: limits.requests_per_user,
        cost_per_second: limits.cost_per_second,
        cost_burst: limits.cost_burst,
        ..GraphqlConfig::default()
    };
    let connects = tokens.connects.clone();
    tidings_graphql::http::routes(Service {
        graphql: Graphql::new(pool, checkpoints, backend, config),
        authenticate: Arc::new(tokens),
        playground: || assets::get("graphiql/index.html"),
        init: Duration::from_millis(limits.init_ms),
        draining,
    })
    .route_layer(from_fn_with_state(connects, counted))
    .route_layer(from_fn(watched))
}

/// Counts who asks for a socket for their address, which has as many as it may of both kinds together.
async fn counted(State(connects): State<Connects>, request: Request, next: Next) -> Response {
    let asks = request.uri().path() == SOCKETS && request.headers().contains_key(header::SEC_WEBSOCKET_KEY);
    if asks
        && let Some(ClientAddress(address)) = request.extensions().get::<ClientAddress>()
        && let Err(wait) = connects.address(*address)
    {
        return Problem::new(ErrorCode::RateLimited, "this address connects too often")
            .retry_after_ms(wait.as_millis() as u64 + 1)
            .into_response();
    }
    next.run(request).await
}

/// Measures requests, and puts the trace that one belongs to on its log lines.
async fn watched(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let span = match trace_of(request.headers()) {
        Some(trace) => tracing::info_span!("graphql", trace),
        None => Span::none(),
    };
    let answer = next.run(request).instrument(span).await;
    metrics::histogram!("tidings_graphql_request_seconds").record(began.elapsed());
    answer
}

/// The tokens that the gateway takes too, and its count of those who connect.
pub struct Tokens {
    pub authenticator: Authenticator,
    pub connects: Connects,
}

impl Authenticate for Tokens {
    fn viewer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Viewer, Refusal>> {
        Box::pin(async move {
            let now = clock::now();
            let Principal {
                user,
                roles,
                expires_at,
                session,
            } = self.authenticator.verify(token, now).await.map_err(refusal)?;
            Ok(Viewer {
                user,
                roles: roles.into_iter().map(|role| role.as_str().to_owned()).collect(),
                session,
                valid_for: Some((expires_at - now).to_std().unwrap_or_default()),
            })
        })
    }

    fn begins(&self, viewer: &Viewer) -> Result<(), Duration> {
        let held = role::parse(viewer.roles.iter().map(String::as_str));
        self.connects.user(viewer.user, &held)
    }

    fn ended<'a>(&'a self, viewer: &Viewer) -> BoxFuture<'a, ()> {
        let (user, session) = (viewer.user, viewer.session);
        Box::pin(async move {
            self.authenticator.ended(user, session).await;
        })
    }
}

fn refusal(error: AuthError) -> Refusal {
    let code = match error {
        AuthError::Expired | AuthError::Invalid | AuthError::Ended => Code::Unauthenticated,
        AuthError::Suspended => Code::Forbidden,
        AuthError::Unavailable => Code::Unavailable,
    };
    Refusal::new(code, error.to_string())
}
