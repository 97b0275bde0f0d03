//! Refusals over HTTP: RFC 9457 `application/problem+json` with the codes of the wire contract.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use tidings_graphql::http::retry_after;
use tidings_protocol::ErrorCode;

/// What was wrong with a request, as its sender is told. Never holds anything internal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: ErrorCode,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    retry_after_ms: Option<u64>,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Problem {
    /// A problem with the status that belongs to its code. `detail` is for people.
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: status_of(code),
            code,
            detail: detail.into(),
            field: None,
            retry_after_ms: None,
        }
    }

    /// A field is missing or not as it must be.
    pub fn invalid(field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(ErrorCode::InvalidArgument, detail)
        }
    }

    /// Nobody, or not who they say they are.
    pub fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unauthenticated, detail)
    }

    /// Something that the server needs is away.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unavailable, detail)
    }

    /// The problem that a bare status stands for, of those that frameworks answer.
    pub fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::UNAUTHORIZED => ErrorCode::Unauthenticated,
            StatusCode::FORBIDDEN => ErrorCode::Forbidden,
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            StatusCode::CONFLICT => ErrorCode::Conflict,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
            StatusCode::TOO_MANY_REQUESTS => ErrorCode::RateLimited,
            status if status.is_client_error() => ErrorCode::InvalidArgument,
            _ => ErrorCode::Unavailable,
        };
        let detail = match status {
            StatusCode::NOT_FOUND => "there is nothing at this address",
            StatusCode::METHOD_NOT_ALLOWED => "this address does not take that method",
            StatusCode::NOT_ACCEPTABLE => "this address answers nothing that the request accepts",
            StatusCode::PAYLOAD_TOO_LARGE => "the request is too large",
            StatusCode::UPGRADE_REQUIRED => "this address is for WebSocket connections, version 13",
            status if status.is_client_error() => "the request is not as it must be",
            _ => "the server could not answer",
        };
        let field = match status {
            StatusCode::METHOD_NOT_ALLOWED => Some("method"),
            StatusCode::NOT_ACCEPTABLE => Some("accept"),
            _ => None,
        };
        Self {
            field: field.map(Cow::Borrowed),
            ..Self::new(code, detail).status(status)
        }
    }

    /// The same with another code and its status.
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        (self.code, self.status) = (code, status_of(code));
        self
    }

    /// The same with a more exact status.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with the field that is to blame.
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same with the time after which a retry makes sense, in milliseconds.
    pub fn retry_after_ms(mut self, retry_after_ms: u64) -> Self {
        self.retry_after_ms = Some(retry_after_ms);
        self
    }

    pub fn code(&self) -> ErrorCode {
        self.code
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidFrame | ErrorCode::UnknownType | ErrorCode::InvalidArgument => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::NotAMember => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Overloaded | ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            field: self.field.as_deref(),
            retry_after_ms: self.retry_after_ms,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry_after_ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, retry_after(retry_after_ms));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn a_problem_says_what_when_and_where() {
        let problem = Problem::new(ErrorCode::RateLimited, "slow down").retry_after_ms(1001);
        let response = problem.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "2");
        let body: Value =
            serde_json::from_slice(&to_bytes(response.into_body(), 4096).await.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "slow down",
                   "code": "rate_limited", "retry_after_ms": 1001})
        );
    }

    #[test]
    fn what_frameworks_refuse_names_what_is_wrong_as_far_as_the_status_says() {
        let field = |status| Problem::of_status(status).field;
        assert_eq!(field(StatusCode::METHOD_NOT_ALLOWED).as_deref(), Some("method"));
        assert_eq!(field(StatusCode::NOT_ACCEPTABLE).as_deref(), Some("accept"));
        assert_eq!(field(StatusCode::NOT_FOUND), None);
    }

    #[tokio::test]
    async fn an_invalid_field_is_named() {
        let response = Problem::invalid("username", "too short").into_response();
        assert_eq!(response.status(), 400);
        let body: Value =
            serde_json::from_slice(&to_bytes(response.into_body(), 4096).await.unwrap()).unwrap();
        assert_eq!(
            (&body["code"], &body["field"]),
            (&json!("invalid_argument"), &json!("username"))
        );
    }
}
