//! The web bundle, embedded at build time.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

/// Everything that the chat page may do: what we serve ourselves, nothing from any other host, and no text becomes code.
const CHAT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What the playground and its workers may do: its editor makes styles and workers of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Names of assets carry a hash of their content, so one never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

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
    let chat = path == "index.html";
    let policy = if chat { CHAT_POLICY } else { POLICY };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let cached = if path.starts_with("assets/") {
        FOR_EVER
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cached));
    let hash = file.metadata.sha256_hash();
    // Weak, for it may be sent compressed.
    let tag = format!(
        r#"W/"{:032x}""#,
        hash.iter()
            .take(16)
            .fold(0_u128, |all, byte| all << 8 | u128::from(*byte))
    );
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).ok()?);
    Some(response)
}

/// The same for a client that may have it already.
fn unless_known(path: &str, known: &HeaderMap) -> Option<Response> {
    let mut response = get(path)?;
    let tag = response.headers().get(header::ETAG)?.as_bytes();
    let mut tags = known
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    if tags.any(|known| known.trim_ascii() == tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    }
    Some(response)
}

/// `GET /`: the chat page.
pub async fn index(headers: HeaderMap) -> Response {
    unless_known("index.html", &headers).unwrap_or_else(|| {
        (
            StatusCode::NOT_FOUND,
            "this build has no pages: run `make web` and build again\n",
        )
            .into_response()
    })
}

/// `GET /assets/…`.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    unless_known(&format!("assets/{path}"), &headers).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}
