//! Answers over HTTP: bodies, and the statuses that belong to them.

use super::accept::Wanted;
use crate::errors::{Code, Refusal};
use crate::serve::answer::{Answer, Held};
use async_graphql::{ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Refused<'a> {
    errors: &'a [ServerError],
}

/// Whether a request was refused as a whole, so that there is no data, not even null.
pub(super) fn is_refusal(answer: &async_graphql::Response) -> bool {
    answer.data == Value::Null && answer.is_err() && answer.errors.iter().all(|error| error.path.is_empty())
}

/// The answer to a well-formed request.
pub(super) fn answer(wanted: Wanted, answer: Answer) -> Response {
    let Answer { response, held } = answer;
    if is_refusal(&response) {
        let status = match wanted {
            Wanted::GraphqlResponse => status_of(&response.errors),
            Wanted::Json | Wanted::Page => StatusCode::OK,
        };
        return refused(wanted, status, &response.errors);
    }
    let body = GraphQLResponse::from(response).into_response().into_body();
    let length = body.size_hint().exact();
    let held = Arc::new(held);
    let chunks = body.into_data_stream().map_ok(move |chunk| {
        Bytes::from_owner(Sending {
            chunk,
            _held: Arc::clone(&held),
        })
    });
    let mut response = dress(wanted, StatusCode::OK, Body::from_stream(chunks));
    if let Some(length) = length {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// A part of a body, which counts as held until it is sent.
struct Sending {
    chunk: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Sending {
    fn as_ref(&self) -> &[u8] {
        &self.chunk
    }
}

/// The answer to what is no request, or not one for this method: an error whatever the client wants.
pub(super) fn refuse(wanted: Wanted, status: StatusCode, refusal: Refusal) -> Response {
    refused(wanted, status, &refusal.into_response().errors)
}

fn refused(wanted: Wanted, status: StatusCode, errors: &[ServerError]) -> Response {
    let Ok(body) = serde_json::to_vec(&Refused { errors }) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = dress(wanted, status, Body::from(body));
    if let Some(retry_after_ms) = retry_after_ms(errors).filter(|_| !status.is_success()) {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, retry_after(retry_after_ms));
    }
    response
}

/// `Retry-After`, which is in whole seconds: whoever goes by it does not come too early.
pub fn retry_after(retry_after_ms: u64) -> HeaderValue {
    HeaderValue::from(retry_after_ms.div_ceil(1000))
}

/// When all that was refused makes sense again.
fn retry_after_ms(errors: &[ServerError]) -> Option<u64> {
    let of = |error: &ServerError| match error.extensions.as_ref()?.get("retry_after_ms")? {
        Value::Number(retry_after_ms) => retry_after_ms.as_u64(),
        _ => None,
    };
    errors.iter().filter_map(of).max()
}

fn status_of(errors: &[ServerError]) -> StatusCode {
    let code = errors
        .first()
        .and_then(|error| error.extensions.as_ref()?.get("code"));
    let is = |wanted: Code| matches!(code, Some(Value::String(code)) if code == wanted.as_str());
    if is(Code::Unauthenticated) {
        StatusCode::UNAUTHORIZED
    } else if is(Code::Forbidden) {
        StatusCode::FORBIDDEN
    } else if is(Code::RateLimited) {
        StatusCode::TOO_MANY_REQUESTS
    } else if is(Code::Unavailable) || is(Code::Overloaded) {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::BAD_REQUEST
    }
}

/// Puts on what every answer has.
fn dress(wanted: Wanted, status: StatusCode, body: Body) -> Response {
    let kind = match wanted {
        Wanted::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        Wanted::Json | Wanted::Page => "application/json; charset=utf-8",
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}
