//! The router.

use super::assets;
use super::gate::{self, Gate};
use super::health;
use crate::readiness::Readiness;
use crate::telemetry::Metrics;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;
use tower_http::compression::CompressionLayer;

/// Every route of a node, behind its gate.
pub fn router(readiness: Readiness, metrics: Metrics, parts: Vec<Router>, gate: Gate) -> Router {
    let pages = Router::new()
        .route("/", get(assets::index))
        .route("/assets/{*path}", get(assets::asset))
        .layer(CompressionLayer::new());
    let own = Router::new()
        .merge(pages)
        .route("/healthz", get(health::healthz))
        .merge(
            Router::new()
                .route("/readyz", get(health::readyz))
                .with_state(readiness),
        )
        .merge(
            Router::new()
                .route("/metrics", get(show_metrics))
                .with_state(metrics),
        );
    let gate = middleware::from_fn_with_state(Arc::new(gate), gate::pass);
    parts.into_iter().fold(own, Router::merge).layer(gate)
}

async fn show_metrics(State(metrics): State<Metrics>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics.render(),
    )
}
