//! `/graphql`: `GET` for queries and for people, `POST` for everything.

use super::accept::Wanted;
use super::body::{BodyError, read_body};
use super::payload::{Parameters, Payload};
use super::reply::{answer, refuse};
use super::{REQUEST_BYTES_MAX, Service};
use crate::errors::{Code, Refusal};
use crate::viewer::Viewer;
use async_graphql::Request;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// The header that carries positions to wait for.
const AFTER: &str = "tidings-after";

/// `GET /graphql`.
pub(super) async fn get(
    State(service): State<Service>,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    let wanted = match Wanted::of(&headers) {
        None => return not_acceptable(),
        Some(Wanted::Page) => return playground(&service),
        Some(wanted) => wanted,
    };
    let request = parameters
        .map_err(|_| Refusal::invalid("query", "the address cannot be read"))
        .and_then(|Query(parameters)| parameters.into_payload())
        .and_then(Payload::into_request);
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return refuse(wanted, StatusCode::BAD_REQUEST, refusal),
    };
    let viewer = match service.viewer(&headers).await {
        Ok(viewer) => viewer,
        Err(refusal) => return answer(wanted, refusal.into_response().into()),
    };
    match service.graphql.is_query(request, viewer.as_ref()).await {
        Ok((true, request)) => execute(&service, wanted, &headers, request, viewer).await,
        Ok((false, _)) => {
            let refusal = Refusal::new(Code::InvalidArgument, "only queries can be sent by GET");
            refuse(wanted, StatusCode::METHOD_NOT_ALLOWED, refusal)
        }
        Err(refused) => answer(wanted, (*refused).into()),
    }
}

/// `POST /graphql`.
pub(super) async fn post(State(service): State<Service>, headers: HeaderMap, body: Body) -> Response {
    // Whoever sends a query can read an answer, even one who would rather have a page.
    let wanted = match Wanted::of(&headers) {
        None => return not_acceptable(),
        Some(Wanted::Page) => Wanted::Json,
        Some(wanted) => wanted,
    };
    if !is_json(&headers) {
        let refusal = Refusal::new(Code::InvalidArgument, "the content type must be application/json");
        return refuse(wanted, StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal);
    }
    let body = match read_body(body, REQUEST_BYTES_MAX).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => {
            let refusal = Refusal::new(Code::TooLarge, "the request is too large");
            return refuse(wanted, StatusCode::PAYLOAD_TOO_LARGE, refusal);
        }
        Err(BodyError::Broken) => {
            let refusal = Refusal::invalid("body", "the body cannot be read");
            return refuse(wanted, StatusCode::BAD_REQUEST, refusal);
        }
    };
    let request = match Payload::parse(&body).and_then(Payload::into_request) {
        Ok(request) => request,
        Err(refusal) => return refuse(wanted, StatusCode::BAD_REQUEST, refusal),
    };
    match service.viewer(&headers).await {
        Ok(viewer) => execute(&service, wanted, &headers, request, viewer).await,
        Err(refusal) => answer(wanted, refusal.into_response().into()),
    }
}

async fn execute(
    service: &Service,
    wanted: Wanted,
    headers: &HeaderMap,
    request: Request,
    viewer: Option<Viewer>,
) -> Response {
    let after: Vec<&str> = headers
        .get_all(AFTER)
        .iter()
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    let after = (!after.is_empty()).then(|| after.join(","));
    let answered = service.graphql.execute(request, viewer, after.as_deref()).await;
    service
        .graphql
        .aside(move || answer(wanted, answered))
        .await
        .unwrap_or_else(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

fn playground(service: &Service) -> Response {
    (service.playground)()
        .unwrap_or_else(|| (StatusCode::NOT_FOUND, "this build has no playground\n").into_response())
}

fn not_acceptable() -> Response {
    let text = "answers are application/graphql-response+json or application/json\n";
    (StatusCode::NOT_ACCEPTABLE, text).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    kind.split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
