//! `GET /attachments/{id}`: a file, or a part of it, for those who may see a message that shows it, or look at a report of one.

use super::Shared;
use super::links::Opens;
use super::places::Place;
use super::problems;
use super::range::{self, Part};
use super::sniff;
use super::store::kept;
use super::upload::text;
use crate::clock;
use crate::problem::Problem;
use crate::role::Role;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::sync::Arc;
use tidings_projections::attachments::{Attachment, visible};
use uuid::Uuid;

/// RFC 8187's `attr-char` stays as it is.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');
/// Whoever sees a file sees that file for ever, and is asked again who they are after an hour.
pub(super) const CACHE: HeaderValue = HeaderValue::from_static("private, max-age=3600, immutable");
/// Whatever a browser makes of a file, it runs nothing.
pub(super) const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// The roles that see what members report.
const OVERSEERS: [Role; 3] = [Role::Admin, Role::Moderator, Role::Auditor];

#[derive(Deserialize)]
pub(super) struct Ticket {
    pub(super) t: Option<String>,
}

/// Says that an answer is for whoever asked as they did: what a browser has kept for one person it gives to nobody who signs in behind them.
pub(super) async fn for_viewer(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from(header::AUTHORIZATION));
    response
}

/// Sends a file.
pub(super) async fn download(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(ticket): Query<Ticket>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (attachment, place, _) = shared.shown(&id, &ticket, &headers).await?;
    let etag = format!("\"{}\"", attachment.sha256);
    if names(&headers, header::IF_NONE_MATCH.as_str(), &etag) {
        return Ok((
            StatusCode::NOT_MODIFIED,
            [(header::ETAG, etag)],
            [(header::CACHE_CONTROL, CACHE)],
        )
            .into_response());
    }
    let size = u64::try_from(attachment.size).unwrap_or(0);
    let asked = text(&headers, header::RANGE.as_str()).filter(|_| {
        let condition = text(&headers, header::IF_RANGE.as_str());
        condition.is_none_or(|condition| condition == etag)
    });
    let part = asked.map_or(Part::Whole, |asked| range::part(asked, size));
    let (status, range) = match part {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Some(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Beyond => {
            let all = format!("bytes */{size}");
            let problem = Problem::invalid("range", "the file has no such bytes");
            let problem = problem.status(StatusCode::RANGE_NOT_SATISFIABLE);
            return Ok(([(header::CONTENT_RANGE, all)], problem).into_response());
        }
    };
    let chunks = shared.store.read(&kept(&attachment.sha256), range.clone()).await;
    let chunks = chunks.map_err(|error| problems::store(&error))?;
    let chunks = chunks.inspect(move |chunk| {
        // It is free again when the last chunk is gone.
        let _place = &place;
        if let Ok(chunk) = chunk {
            metrics::counter!("tidings_attachment_bytes_total", "direction" => "out")
                .increment(chunk.len() as u64);
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    describe(headers, &attachment);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        headers.extend(HeaderValue::try_from(part).map(|part| (header::CONTENT_RANGE, part)));
    }
    Ok(response)
}

/// What is said of a file, whichever part of it is sent.
fn describe(headers: &mut HeaderMap, attachment: &Attachment) {
    let is_shown = sniff::is_shown(&attachment.media_type);
    let media_type = if is_shown {
        &attachment.media_type
    } else {
        sniff::UNKNOWN
    };
    let name = utf8_percent_encode(&attachment.name, NAME);
    let how = if is_shown { "inline" } else { "attachment" };
    for (header, value) in [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("{how}; filename*=UTF-8''{name}"),
        ),
        (header::ETAG, format!("\"{}\"", attachment.sha256)),
    ] {
        headers.extend(HeaderValue::try_from(value).map(|value| (header, value)));
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, CACHE);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // Browsers show no PDF in a sandbox, and run nothing of one without.
    if *attachment.media_type != *"application/pdf" {
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    }
}

/// Whether a header with a list of entity tags has this one.
fn names(headers: &HeaderMap, header: &str, etag: &str) -> bool {
    let tags = headers
        .get_all(header)
        .iter()
        .filter_map(|tags| tags.to_str().ok());
    tags.flat_map(|tags| tags.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}

impl Shared {
    /// The attachment, for whoever may see it, a place to send it from, and why it is opened to them. A message must show it, they have stored it
    /// themselves, or they look at a report of it: to everybody else it is not there.
    pub(super) async fn shown(
        &self,
        id: &str,
        ticket: &Ticket,
        headers: &HeaderMap,
    ) -> Result<(Attachment, Place, Opens), Problem> {
        let id = Uuid::try_parse(id).map_err(|_| problems::missing())?;
        let (viewer, opens) = match &ticket.t {
            None => (self.bearer(headers).await?.user, Opens::Shown),
            Some(ticket) => {
                let (user, opens) = self
                    .links
                    .read(id, ticket, clock::now())
                    .ok_or_else(problems::missing)?;
                if let Some(error) = self.authenticator.refusal(user, None) {
                    return Err(problems::token(error));
                }
                (user, opens)
            }
        };
        // First of all: whoever asks for what is not there has the read models waited for.
        let place = self.downloads.take(viewer)?;
        let found = if opens == Opens::Shown {
            self.tables.find(|| visible(id, viewer)).await?
        } else if self.tables.holds(viewer, &OVERSEERS).await? {
            // What it is evidence of was found out when the link was made, and the bytes may be gone since.
            self.tables.reported(id).await?
        } else {
            None
        };
        Ok((found.ok_or_else(problems::missing)?, place, opens))
    }
}
