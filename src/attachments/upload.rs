//! `POST /attachments?name=`: a file in one go.

use super::Shared;
use super::checksum::{self, Sum};
use super::intake::{Intake, Received, hex};
use super::problems;
use super::query::{self, Pairs};
use super::refusals;
use super::room::Coming;
use super::storing::{Claim, Stored};
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use std::sync::Arc;
use tidings_domain::FileName;
use tokio::time::{Instant, timeout};

/// Takes a file in and stores it.
pub(super) async fn upload(
    State(shared): State<Arc<Shared>>,
    pairs: Pairs,
    request: Request,
) -> Result<Response, Problem> {
    let principal = shared.bearer(request.headers()).await?;
    let user = principal.user;
    let name = query::one(&pairs, "name")?.ok_or_else(|| Problem::invalid("name", "`name` is missing"))?;
    let name = FileName::parse(name).map_err(|refused| refusals::rejection(&refused))?;
    let (parts, body) = request.into_parts();
    let size = length(&parts.headers)?;
    shared.admits(size)?;
    let wanted = digest(&parts.headers)?;
    let claim = Claim {
        user,
        name,
        media_type: text(&parts.headers, header::CONTENT_TYPE.as_str()).map(str::to_owned),
    };
    let place = shared.uploads.take(user)?;
    shared.paced(&principal)?;
    let working = Arc::clone(&shared);
    // Whoever hangs up has a file that is stored or not, and nothing in between; what has come of one that is not is cleaned up. Until then it
    // has its place.
    let stored = shared.see_through(async move {
        let stored = take_in(&working, claim, body, size, wanted).await;
        drop(place);
        stored
    });
    let stored = stored.await?;
    let place = format!("/attachments/{}", stored.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, place)],
        axum::Json(stored),
    )
        .into_response())
}

/// Reads a body of `size` bytes and stores it, in room that is taken for it meanwhile.
async fn take_in(
    shared: &Shared,
    claim: Claim,
    body: Body,
    size: u64,
    wanted: Option<Sum>,
) -> Result<Stored, Problem> {
    let id = Shared::mint();
    let coming = Coming {
        id,
        claim: &claim,
        size,
        metadata: None,
        lasts_s: shared.config.comes_within_s(),
    };
    shared.take_room(coming).await?;
    let stored = match receive(shared, body, size, wanted).await {
        Ok(received) => shared.store(id, claim, received).await,
        Err(problem) => Err(problem),
    };
    // Where nobody answers, it is free once its time is up.
    let _ = shared.give_room_back(id).await;
    stored
}

/// Reads a body of `size` bytes.
async fn receive(shared: &Shared, body: Body, size: u64, wanted: Option<Sum>) -> Result<Received, Problem> {
    let mut intake = Intake::new(&shared.store);
    if let Err(problem) = pour(shared, body, &mut intake, size).await {
        intake.abandon().await;
        return Err(problem);
    }
    let received = intake.finish().await.map_err(|error| problems::store(&error))?;
    let is_wanted = received.size == size && wanted.is_none_or(|sum| hex(&sum) == received.sha256);
    if !is_wanted {
        received.discard(&shared.store).await;
        return Err(Problem::invalid(
            "repr-digest",
            "the body is not what its length and its digest say",
        ));
    }
    Ok(received)
}

/// Reads a body of at most `most` bytes to its end.
pub(super) async fn pour(shared: &Shared, body: Body, intake: &mut Intake, most: u64) -> Result<(), Problem> {
    let began = Instant::now();
    let mut chunks = body.into_data_stream();
    loop {
        if shared.config.is_over(began.elapsed(), intake.size()) {
            return Err(problems::stands_still());
        }
        let chunk = timeout(shared.config.stalled(), chunks.next()).await;
        let Some(chunk) = chunk.map_err(|_| problems::stands_still())? else {
            return Ok(());
        };
        let broken = |_| problems::broken();
        let chunk = chunk.map_err(broken)?;
        if intake.size() + chunk.len() as u64 > most {
            return Err(problems::too_large(most));
        }
        let taken = intake.push(&chunk).await;
        taken.map_err(|error| problems::store(&error))?;
    }
}

impl Shared {
    /// Refuses what is larger than any file, and what is empty.
    pub(super) fn admits(&self, size: u64) -> Result<(), Problem> {
        if size == 0 {
            return Err(Problem::invalid("content-length", "the file is empty"));
        }
        if size > self.config.file_bytes {
            return Err(problems::too_large(self.config.file_bytes));
        }
        Ok(())
    }
}

fn length(headers: &HeaderMap) -> Result<u64, Problem> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        let problem = Problem::invalid("content-encoding", "a file is sent as it is");
        return Err(problem.status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let length = text(headers, header::CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    length.ok_or_else(|| {
        let problem = Problem::invalid("content-length", "`Content-Length` is needed");
        problem.status(StatusCode::LENGTH_REQUIRED)
    })
}

fn digest(headers: &HeaderMap) -> Result<Option<Sum>, Problem> {
    let Some(header) = headers.get("repr-digest") else {
        return Ok(None);
    };
    let read = header.to_str().ok().map(checksum::repr_digest);
    read.and_then(Result::ok)
        .ok_or_else(|| Problem::invalid("repr-digest", "`Repr-Digest` cannot be read"))
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
