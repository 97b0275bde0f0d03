//! Pages of other origins: which of them may call what is called over HTTP, and read the answers.
//!
//! They come with a token of their own, and no cookie is ever looked at, so no credentials are allowed.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
/// What a page may send.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, authorization, content-type, if-none-match, if-range, range, repr-digest, tidings-after, tus-resumable, upload-checksum, \
     upload-length, upload-metadata, upload-offset",
);
/// What it may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "content-disposition, content-length, content-range, etag, location, retry-after, tus-checksum-algorithm, tus-extension, \
     tus-max-size, tus-resumable, tus-version, upload-expires, upload-length, upload-metadata, upload-offset",
);
/// How long a browser remembers that, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Whether a page of this origin is let, where only pages of `known` ones are.
pub(super) fn is_known(known: &[String], origin: &HeaderValue) -> bool {
    let is_it = |known: &String| known.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    known.iter().any(is_it)
}

/// What is said about pages in the answer to a request.
pub(super) struct Cors {
    /// Whose page may read the answer.
    origin: Option<HeaderValue>,
    /// Whether its browser asks what the page may send.
    pub(super) is_asked: bool,
}

impl Cors {
    /// Nothing, where no origins are `known` or the request is for what pages do not call.
    pub(super) fn of(known: &[String], request: &Request) -> Option<Self> {
        let path = request.uri().path();
        let is_called = path == "/graphql"
            || ["/auth", "/attachments"].iter().any(|root| {
                let rest = path.strip_prefix(root);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
        if known.is_empty() || !is_called {
            return None;
        }
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN).cloned();
        let origin = origin.filter(|origin| is_known(known, origin));
        let asks = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        Some(Self {
            is_asked: asks && origin.is_some() && request.method() == Method::OPTIONS,
            origin,
        })
    }

    /// The answer to a browser that asks what a page may send.
    pub(super) fn answer() -> Response {
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    }

    /// Lets the page read the answer that has these headers.
    pub(super) fn allow(self, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from(header::ORIGIN));
        if let Some(origin) = self.origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}
