//! From HTTP to WebSocket.

use super::{Gateway, session};
use crate::problem::Problem;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use tidings_protocol::SUBPROTOCOL;

/// Small buffers: the default of 128 KiB would be cleared on every read and held by every idle connection.
const READ_BUFFER: usize = 2048;
const WRITE_BUFFER: usize = 4096;

/// `GET /ws`.
pub async fn connect(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if gateway.lifecycle.is_draining() {
        return Problem::unavailable("this node is going away")
            .retry_after_ms(1000)
            .into_response();
    }
    if gateway.registry.count() >= gateway.limits.connections {
        metrics::counter!("tidings_connections_refused_total").increment(1);
        return Problem::unavailable("this node has as many connections as it takes")
            .retry_after_ms(5000)
            .into_response();
    }
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned);
    let frame_bytes = gateway.limits.frame_bytes;
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(frame_bytes)
        .max_frame_size(frame_bytes)
        .on_upgrade(move |socket| async move {
            let lifecycle = gateway.lifecycle.clone();
            lifecycle
                .connection(Box::pin(session::run(gateway, socket, peer.ip(), token)))
                .await;
        })
}
