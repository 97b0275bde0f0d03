//! Answers over HTTP: bodies, and the statuses that belong to them.

use super::accept::Wanted;
use crate::errors::{Code, Refusal};
use crate::serve::graphql::{Answer, Held};
use async_graphql::{ServerError, Value};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::Serialize;

const RETRY_AFTER_S: u64 = 1;

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
    if !is_refusal(&response) {
        return reply(wanted, StatusCode::OK, &response, held);
    }
    let status = match wanted {
        Wanted::GraphqlResponse => status_of(&response.errors),
        Wanted::Json | Wanted::Page => StatusCode::OK,
    };
    let errors = &response.errors;
    reply(wanted, status, &Refused { errors }, held)
}

/// The answer to what is no request, or not one for this method: an error whatever the client wants.
pub(super) fn refuse(wanted: Wanted, status: StatusCode, refusal: Refusal) -> Response {
    let errors = &refusal.into_response().errors;
    reply(wanted, status, &Refused { errors }, Held::default())
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

/// A body that counts as held until it is sent.
struct Encoded {
    text: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

fn reply(wanted: Wanted, status: StatusCode, body: &impl Serialize, held: Held) -> Response {
    let kind = match wanted {
        Wanted::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        Wanted::Json | Wanted::Page => "application/json; charset=utf-8",
    };
    let Ok(text) = serde_json::to_vec(body) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = Bytes::from_owner(Encoded { text, _held: held });
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
    if matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    ) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}
