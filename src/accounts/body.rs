//! Small JSON bodies, read field by field so that each can be refused by name.

use crate::problem::Problem;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use std::time::Duration;
use tidings_graphql::http::{BodyError, read_body};
use tidings_protocol::ErrorCode;
use tokio::time::timeout;

/// Several times what the longest valid request has.
const BODY_BYTES_MAX: usize = 8 * 1024;
const BODY_LIMIT: Duration = Duration::from_secs(10);

/// The fields of a request. Those that are not asked for are ignored.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Takes a text that must be there.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, Problem> {
        self.optional_text(name)?
            .ok_or_else(|| Problem::invalid(name, format!("`{name}` is missing")))
    }

    /// Takes a text that may be missing or null.
    pub(super) fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::invalid(name, format!("`{name}` must be a string"))),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let problem = Problem::invalid("content-type", "the body must be sent as `application/json`");
            return Err(problem.status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let reading = timeout(BODY_LIMIT, read_body(request.into_body(), BODY_BYTES_MAX));
        let body = reading
            .await
            .map_err(|_| {
                let problem = Problem::new(ErrorCode::InvalidArgument, "the body did not arrive in time");
                problem.status(StatusCode::REQUEST_TIMEOUT)
            })?
            .map_err(|error| match error {
                BodyError::TooLarge => too_large(),
                BodyError::Broken => Problem::new(ErrorCode::InvalidArgument, "the body cannot be read"),
            })?;
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Problem::new(
                ErrorCode::InvalidArgument,
                "the body must be a JSON object",
            )),
            Err(_) => Err(Problem::new(
                ErrorCode::InvalidArgument,
                "the body is not valid JSON",
            )),
        }
    }
}

fn too_large() -> Problem {
    Problem::new(
        ErrorCode::TooLarge,
        format!("the body has more than {BODY_BYTES_MAX} bytes"),
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    async fn read(kind: &str, body: impl Into<Body>) -> Result<Fields, ErrorCode> {
        let request = Request::builder()
            .header("content-type", kind)
            .body(body.into())
            .unwrap();
        Fields::from_request(request, &())
            .await
            .map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn fields_are_taken_by_name() {
        let body = r#"{"username":"ada","display_name":null,"age":36,"extra":[]}"#;
        let mut fields = read("application/json; charset=utf-8", body).await.ok().unwrap();
        assert_eq!(fields.text("username").unwrap(), "ada");
        assert_eq!(fields.optional_text("display_name").unwrap(), None);
        assert!(fields.text("password").is_err());
        assert!(fields.text("age").is_err());
    }

    #[tokio::test]
    async fn what_is_no_small_json_object_is_refused() {
        for (kind, body, code) in [
            ("text/plain", "{}".to_owned(), ErrorCode::InvalidArgument),
            ("", "{}".to_owned(), ErrorCode::InvalidArgument),
            ("application/json", String::new(), ErrorCode::InvalidArgument),
            ("application/json", "[]".to_owned(), ErrorCode::InvalidArgument),
            (
                "application/json",
                "{\"a\":".to_owned(),
                ErrorCode::InvalidArgument,
            ),
            (
                "application/json",
                format!("{{\"a\":\"{}\"}}", "x".repeat(BODY_BYTES_MAX)),
                ErrorCode::TooLarge,
            ),
            (
                "application/json",
                "[".repeat(BODY_BYTES_MAX),
                ErrorCode::InvalidArgument,
            ),
        ] {
            assert_eq!(
                read(kind, body.clone()).await.err(),
                Some(code),
                "{kind} {body:.20}"
            );
        }
    }
}
