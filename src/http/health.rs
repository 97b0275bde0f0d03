//! Whether the process lives, and whether it can serve.

use crate::fanout::Health;
use crate::lifecycle::Lifecycle;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use tidings_eventlog::Log;

/// What readiness depends on.
#[derive(Clone)]
pub struct Readiness {
    pub log: Log,
    pub redis: Health,
    pub lifecycle: Lifecycle,
}

/// `GET /healthz`.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 when this node can serve, else 503 with reasons. Without Redis it serves, only slower, and says so.
pub(super) async fn readyz(State(readiness): State<Readiness>) -> Response {
    let mut reasons = vec![];
    if readiness.lifecycle.is_draining() {
        reasons.push("going away".to_owned());
    }
    if let Err(error) = readiness.log.heads().await {
        tracing::debug!(%error, "not ready");
        reasons.push("the database does not answer".to_owned());
    }
    let redis = if readiness.redis.is_up() { "up" } else { "away" };
    if reasons.is_empty() {
        Json(json!({ "ready": true, "redis": redis })).into_response()
    } else {
        let body = Json(json!({ "ready": false, "reasons": reasons, "redis": redis }));
        (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
    }
}
