//! Whether the process lives, and whether it can serve.

use crate::readiness::Readiness;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

/// `GET /healthz`.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 when this node can serve, else 503 with the names of the reasons. Without Redis it serves, only slower,
/// and says so.
pub(super) async fn readyz(State(readiness): State<Readiness>) -> Response {
    let reasons: Vec<&str> = readiness
        .reasons()
        .into_iter()
        .map(crate::readiness::Reason::name)
        .collect();
    let redis = if readiness.redis_is_up() { "up" } else { "away" };
    if reasons.is_empty() {
        Json(json!({ "ready": true, "redis": redis })).into_response()
    } else {
        let body = Json(json!({ "ready": false, "reasons": reasons, "redis": redis }));
        (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
    }
}
