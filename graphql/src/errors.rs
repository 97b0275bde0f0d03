//! What a request is refused with: the codes of the wire contract, and nothing internal.

use async_graphql::{Error, ErrorExtensions as _, Response, ServerError};
use std::borrow::Cow;

/// A retry before this has little hope.
const RETRY_AFTER_MS: u64 = 500;

/// A stable code, as it stands in `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Something in the request is not as it must be; `field` says what.
    InvalidArgument,
    /// No valid token.
    Unauthenticated,
    /// The viewer may not do this.
    Forbidden,
    /// What the request is about does not exist.
    NotFound,
    /// Something is in the way of it, or in that state already.
    Conflict,
    /// More than the limits allow.
    TooLarge,
    /// Too much in too short a time. A retry helps when it has passed.
    RateLimited,
    /// The server has more to do than it can. A retry may help.
    Overloaded,
    /// Something that the server needs is away or late. A retry may help.
    Unavailable,
}

impl Code {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A refusal as the client is told. It does not implement `Display`, so that it can become a GraphQL error only here,
/// with its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    /// For people.
    pub message: Cow<'static, str>,
    /// What was wrong, for `invalid_argument`.
    pub field: Option<Cow<'static, str>>,
    /// When a retry makes sense, in milliseconds; `None` where it makes none.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after_ms: None,
        }
    }

    /// An argument is not as it must be.
    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(Code::InvalidArgument, message)
        }
    }

    /// There is no viewer.
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "a valid token is needed")
    }

    /// Something is away or late.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unavailable, message).retry_after_ms(RETRY_AFTER_MS)
    }

    /// The same with the time after which a retry makes sense, in milliseconds.
    pub fn retry_after_ms(mut self, retry_after_ms: u64) -> Self {
        self.retry_after_ms = Some(retry_after_ms);
        self
    }

    /// The answer to a request that was refused as a whole.
    pub fn into_response(self) -> Response {
        let error = Error::from(self);
        let mut refused = ServerError::new(error.message, None);
        refused.extensions = error.extensions;
        Response::from_errors(vec![refused])
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.message).extend_with(|_, extensions| {
            extensions.set("code", refusal.code.as_str());
            if let Some(field) = refusal.field {
                extensions.set("field", field.into_owned());
            }
            if let Some(retry_after_ms) = refusal.retry_after_ms {
                extensions.set("retryable", true);
                extensions.set("retry_after_ms", retry_after_ms);
            }
        })
    }
}

/// Gives a code to errors that GraphQL itself found. All of those are faults of the document or of its variables.
pub(crate) fn coded(mut response: Response) -> Response {
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", Code::InvalidArgument.as_str());
        }
    }
    response
}
