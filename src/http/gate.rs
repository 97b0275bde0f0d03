//! What is the same for every request: who asks, from which page, how long its body may take, and how refusals look.

use super::cors::{Cors, is_known};
use super::limits::HttpLimits;
use super::sockets::{Full, Place};
use crate::accounts::client_address;
use crate::problem::Problem;
use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tidings_protocol::ErrorCode;
use tower_http::timeout::{DeadlineBody, TimeoutError};

/// Paths that pages of foreign origins may be kept from.
const SOCKET_PATHS: [&str; 2] = ["/ws", "/graphql/ws"];

/// Where files come in, which take as long as they are large: who takes them bounds them.
const FILES: &str = "/attachments";

/// What the gate goes by.
pub struct Gate {
    pub limits: HttpLimits,
    /// How many proxies stand in front of the node.
    pub trusted_proxies: usize,
}

/// The client's address, seen through the proxies that are trusted.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

/// Lets a request in or refuses it, and gives every refusal its form.
pub(super) async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let cors = Cors::of(&gate.limits.origins, &request);
    let is_asked = cors.as_ref().is_some_and(|cors| cors.is_asked);
    let mut response = match gate.admit(request) {
        Err(problem) => {
            let mut response = problem.into_response();
            // What follows the head is not read, so the socket is of no use any more.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
        Ok(_) if is_asked => Cors::answer(),
        Ok((request, late)) => {
            let response = next.run(request).await;
            if late.load(Ordering::Relaxed) {
                too_late()
            } else {
                as_problem(response)
            }
        }
    };
    response
        .headers_mut()
        .entry(header::X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
    if let Some(cors) = cors {
        cors.allow(response.headers_mut());
    }
    response
}

impl Gate {
    fn admit(&self, mut request: Request) -> Result<(Request, Arc<AtomicBool>), Problem> {
        let headers = request.headers();
        // RFC 9112, 3.2: one that has no `Host`, or several, is refused.
        if request.version() == Version::HTTP_11 && headers.get_all(header::HOST).iter().count() != 1 {
            return Err(Problem::invalid("host", "a request has one `Host`"));
        }
        if SOCKET_PATHS.contains(&request.uri().path()) && !self.knows_origin(headers) {
            return Err(Problem::new(
                ErrorCode::Forbidden,
                "pages of this origin may not connect",
            ));
        }
        if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
            let address = client_address(peer.ip(), headers, self.trusted_proxies);
            if let Some(place) = request.extensions().get::<Arc<Place>>() {
                place.count_for(address).map_err(full)?;
            }
            request.extensions_mut().insert(ClientAddress(address));
        }
        Ok(self.with_deadline(request))
    }

    fn knows_origin(&self, headers: &HeaderMap) -> bool {
        let known = &self.limits.origins;
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        known.is_empty() || is_known(known, origin)
    }

    /// The request with a body that fails when it is not there in time, and whether it did.
    fn with_deadline(&self, request: Request) -> (Request, Arc<AtomicBool>) {
        let late = Arc::new(AtomicBool::new(false));
        if request.body().is_end_stream() || request.uri().path().starts_with(FILES) {
            return (request, late);
        }
        let noted = Arc::clone(&late);
        let request = request.map(|body| {
            let body = DeadlineBody::new(self.limits.body(), body).map_err(move |error| {
                if error.is::<TimeoutError>() {
                    noted.store(true, Ordering::Relaxed);
                }
                error
            });
            Body::new(body)
        });
        (request, late)
    }
}

fn full(full: Full) -> Problem {
    match full {
        Full::Node => Problem::new(ErrorCode::Overloaded, "the socket limit of this node is reached"),
        Full::Address => Problem::new(
            ErrorCode::RateLimited,
            "this address has as many sockets as one may have",
        ),
    }
    .retry_after_ms(5000)
}

fn too_late() -> Response {
    let problem = Problem::new(ErrorCode::InvalidArgument, "the body did not arrive in time");
    let mut response = problem
        .status(axum::http::StatusCode::REQUEST_TIMEOUT)
        .into_response();
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Refusals that the framework makes have a text or nothing; they get a document with a code, as all others have.
/// Headers that say more, like `Allow`, stay.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_json(response.headers()) {
        return response;
    }
    let (old, _) = response.into_parts();
    let mut response = Problem::of_status(status).into_response();
    for (name, value) in &old.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .map(str::trim)
        .unwrap_or_default();
    kind == "application/json" || kind.ends_with("+json")
}
