//! From HTTP to WebSocket.

use super::{Gateway, session, socket};
use crate::http::{ClientAddress, Socket};
use crate::problem::Problem;
use crate::telemetry::trace_of;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::sync::Arc;
use tidings_graphql::http::bearer;
use tidings_protocol::{ErrorCode, SUBPROTOCOL};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tracing::Instrument as _;
use tracing::field::Empty;

/// `GET /ws`.
pub fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new().route("/ws", get(connect)).with_state(gateway)
}

async fn connect(
    State(gateway): State<Arc<Gateway>>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    mut request: Request,
) -> Response {
    if !gateway.lifecycle.is_open() {
        return Problem::unavailable("this node takes no connections now")
            .retry_after_ms(1000)
            .into_response();
    }
    if gateway.registry.count() >= gateway.limits.connections {
        metrics::counter!("tidings_connections_refused_total").increment(1);
        return Problem::unavailable("the connection limit of this node is reached")
            .retry_after_ms(5000)
            .into_response();
    }
    let Ok(mut response) = create_response_with_body(&request, Body::empty) else {
        return no_websocket();
    };
    let Some(upgrading) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Problem::new(ErrorCode::InvalidArgument, "this connection cannot be upgraded")
            .into_response();
    };
    if offers_subprotocol(request.headers()) {
        response.headers_mut().insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
    }
    // Without a token the hello has to bring one.
    let token = bearer(request.headers()).ok().flatten().map(str::to_owned);
    if let Err(wait) = gateway.connects.address(address) {
        return Problem::new(ErrorCode::RateLimited, "this address connects too often")
            .retry_after_ms(wait.as_millis() as u64 + 1)
            .into_response();
    }
    let span = tracing::info_span!(
        "connection",
        trace = trace_of(request.headers()),
        connection = Empty,
        session = Empty,
        user = Empty
    );
    let lifecycle = gateway.lifecycle.clone();
    let conversation = converse(gateway, upgrading, address, token).instrument(span);
    lifecycle.spawn_connection(conversation);
    response
}

/// RFC 6455, 4.4: whoever asks otherwise is told which version there is.
fn no_websocket() -> Response {
    let problem = Problem::new(
        ErrorCode::InvalidArgument,
        "this address is for WebSocket connections, version 13",
    );
    let mut response = problem.status(StatusCode::UPGRADE_REQUIRED).into_response();
    let headers = response.headers_mut();
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response
}

async fn converse(gateway: Arc<Gateway>, upgrading: OnUpgrade, address: IpAddr, token: Option<String>) {
    // A client that hangs up before it has the answer needs no other.
    let Ok(upgraded) = upgrading.await else { return };
    let Some((socket, early)) = bare(upgraded) else {
        tracing::error!("a connection is no TCP stream");
        return;
    };
    // It stays counted for as long as it is open.
    let (stream, _place) = socket.into_parts();
    let (sink, source) = socket::split(stream, early, &gateway.limits);
    session::run(gateway, sink, source, address, token).await;
}

/// The socket itself, and what was read of it behind the upgrade.
fn bare(upgraded: Upgraded) -> Option<(Socket, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<Socket>>().ok()?;
    // A copy, because even an empty slice keeps the buffer that the request was read into.
    Some((parts.io.into_inner(), Bytes::copy_from_slice(&parts.read_buf)))
}

fn offers_subprotocol(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    offers
        .filter_map(|offer| offer.to_str().ok())
        .flat_map(|offer| offer.split(','))
        .any(|offer| offer.trim() == SUBPROTOCOL)
}
