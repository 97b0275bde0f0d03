//! The web bundle, embedded at build time.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

/// Everything that a page may do: what we serve ourselves, and nothing from any other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/web/dist"]
#[allow_missing = true]
struct Bundle;

/// A file of the bundle, by its path under `web/dist`.
pub fn get(path: &str) -> Option<Response> {
    let file = Bundle::get(path)?;
    let kind = HeaderValue::from_str(file.metadata.mimetype()).ok()?;
    let mut response = Response::new(Body::from(file.data));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(response)
}

/// `GET /`: the chat page.
pub async fn index() -> Response {
    get("index.html").unwrap_or_else(|| {
        (
            StatusCode::NOT_FOUND,
            "this build has no pages: run `make web` and build again\n",
        )
            .into_response()
    })
}

/// `GET /assets/…`.
pub async fn asset(Path(path): Path<String>) -> Response {
    get(&format!("assets/{path}")).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}
