//! `/graphql`: `GET` for queries and for people, `POST` for everything.

use super::accept::Wanted;
use super::body::{BodyError, read_body};
use super::reply::{answer, refuse};
use super::{REQUEST_BYTES_MAX, Service, tidy};
use crate::errors::{Code, Refusal};
use crate::viewer::Viewer;
use async_graphql::Request;
use async_graphql_axum::GraphQLRequest;
use async_graphql_axum::rejection::GraphQLRejection;
use axum::body::Body;
use axum::extract::{FromRequest as _, Query, Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

/// The header that carries positions to wait for.
const AFTER: &str = "tidings-after";

/// The library looks for the operation's name under another one in addresses.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    operation_name: Option<String>,
}

/// `GET /graphql`.
pub(super) async fn get(State(service): State<Service>, sent: HttpRequest) -> Response {
    let headers = sent.headers().clone();
    let wanted = match Wanted::of(&headers) {
        None => return not_acceptable(),
        Some(Wanted::Page) => return playground(&service),
        Some(wanted) => wanted,
    };
    let name = Query::try_from_uri(sent.uri()).map(|Query(Named { operation_name })| operation_name);
    let request = match (read(sent).await, name) {
        (Ok(mut request), Ok(name)) => {
            request.operation_name = name;
            tidy(request)
        }
        (Err(refusal), _) => return refuse(wanted, StatusCode::BAD_REQUEST, refusal),
        (_, Err(_)) => {
            let refusal = Refusal::invalid("query", "the address cannot be read");
            return refuse(wanted, StatusCode::BAD_REQUEST, refusal);
        }
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
pub(super) async fn post(State(service): State<Service>, sent: HttpRequest) -> Response {
    let (parts, body) = sent.into_parts();
    let headers = parts.headers.clone();
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
    // The library takes a list for the fields of one request, in their order, where it is none of requests.
    if body.trim_ascii_start().starts_with(b"[") {
        let refusal = Refusal::invalid("body", "several requests in one are not supported");
        return refuse(wanted, StatusCode::BAD_REQUEST, refusal);
    }
    let request = match read(HttpRequest::from_parts(parts, Body::from(body))).await {
        Ok(request) => tidy(request),
        Err(refusal) => return refuse(wanted, StatusCode::BAD_REQUEST, refusal),
    };
    match service.viewer(&headers).await {
        Ok(viewer) => execute(&service, wanted, &headers, request, viewer).await,
        Err(refusal) => answer(wanted, refusal.into_response().into()),
    }
}

/// Reads a request from its body or from its address.
async fn read(sent: HttpRequest) -> Result<Request, Refusal> {
    match GraphQLRequest::<GraphQLRejection>::from_request(sent, &()).await {
        Ok(request) => Some(request.into_inner())
            .filter(|request| !request.query.is_empty())
            .ok_or_else(|| Refusal::invalid("query", "there is no `query`")),
        Err(GraphQLRejection(_)) => Err(Refusal::invalid(
            "body",
            "a request is a JSON object with a `query` and, perhaps, `variables`",
        )),
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
    service
        .graphql
        .execute_into(request, viewer, after.as_deref(), move |answered| {
            answer(wanted, answered)
        })
        .await
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
