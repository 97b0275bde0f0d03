//! The router, and serving it until the node drains.

use super::assets;
use super::health::{self, Readiness};
use crate::gateway::{self, Gateway};
use crate::lifecycle::Lifecycle;
use crate::telemetry::Metrics;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;

/// Every route of a node.
pub fn router(gateway: Arc<Gateway>, readiness: Readiness, metrics: Metrics, parts: Vec<Router>) -> Router {
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
        )
        .merge(
            Router::new()
                .route("/ws", get(gateway::connect))
                .with_state(gateway),
        );
    parts.into_iter().fold(own, Router::merge)
}

async fn show_metrics(State(metrics): State<Metrics>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics.render(),
    )
}

/// Serves until the node drains. Open requests are finished; sockets are the gateway's own to end.
pub async fn serve(listener: TcpListener, router: Router, lifecycle: Lifecycle) {
    let draining = lifecycle.draining();
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no delay could not be set");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving =
        axum::serve(listener, service).with_graceful_shutdown(async move { draining.cancelled().await });
    if let Err(error) = serving.await {
        tracing::error!(%error, "the listener failed");
    }
}
