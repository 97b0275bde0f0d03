//! `/attachments/tus`: files that come in parts, whose upload can be gone on with after a break, at any node.
//!
//! Each part is an object of its own, and a row says which there are. When all is there it is read once more, summed up, and stored as
//! a file that came in one go. What nobody goes on with is forgotten.

mod owed;
mod parts;

use super::Shared;
use super::problems;
use super::room::Coming;
use super::storing::Claim;
use super::tus::{self, Append, Ask, Begin, State, Wrong};
use crate::accounts::Principal;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{Path, Request, State as Of};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use parts::Ending;
use std::sync::Arc;
use tidings_domain::FileName;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// However busy an upload is, it ends so many times later than one that nobody goes on with.
const LASTS: i64 = 7;
/// How long one whose parts cannot be found is kept, in seconds since it was last gone on with or tried: the store may come back.
const GONE_S: i64 = 900;
/// A part, in bytes, where its sender does not make it smaller.
const PART: usize = 5 << 20;
/// Parts of one upload beyond twice as many as there need be.
const PARTS: u64 = 1000;

/// An upload, as its row has it.
struct Upload {
    id: Uuid,
    user: Uuid,
    name: FileName,
    media_type: Option<String>,
    /// `Upload-Metadata` as it came.
    metadata: Option<String>,
    state: State,
    parts: Vec<Uuid>,
    ends: Vec<i64>,
    is_stored: bool,
    expires_at: DateTime<Utc>,
}

impl Upload {
    /// `None` where its name is none.
    fn read(id: Uuid, user: Uuid, row: &Row) -> Result<Option<Self>, Error> {
        let Ok(name) = FileName::parse(row.try_get("name")?) else {
            return Ok(None);
        };
        let number = |name| Ok::<_, Error>(row.try_get::<_, i64>(name)?.max(0) as u64);
        Ok(Some(Self {
            id,
            user,
            name,
            media_type: row.try_get("media_type")?,
            metadata: row.try_get("metadata")?,
            state: State {
                size: number("size")?,
                received: number("received")?,
            },
            parts: row.try_get("parts")?,
            ends: row.try_get("ends")?,
            is_stored: row.try_get("stored")?,
            expires_at: row.try_get("expires_at")?,
        }))
    }

    /// Whether all has come and it is no attachment yet.
    fn is_owed(&self) -> bool {
        self.state.is_complete() && !self.is_stored
    }
}

/// What can be asked of all uploads.
pub(super) async fn collection(Of(shared): Of<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    answer(shared, None, request).await
}

/// What can be asked of one.
pub(super) async fn one(
    Of(shared): Of<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = Uuid::try_parse(&id).map_err(|_| problems::missing())?;
    answer(shared, Some(id), request).await
}

async fn answer(shared: Arc<Shared>, id: Option<Uuid>, request: Request) -> Result<Response, Problem> {
    if request.method() == Method::OPTIONS {
        return Ok(shared.abilities());
    }
    let most = shared.config.file_bytes;
    let asked = tus::ask(request.method(), request.headers(), id.is_some(), most);
    let asked = match asked {
        Ok(asked) => asked,
        Err(wrong) => {
            let mut response = spoken(shared.wrong(wrong));
            if wrong == Wrong::Version {
                let version = HeaderValue::from_static(tus::VERSION);
                response.headers_mut().insert("tus-version", version);
            }
            return Ok(response);
        }
    };
    let is_look = asked == Ask::Look;
    Ok(match shared.carry_out(asked, id, request).await {
        Ok(response) => spoken(response),
        Err(problem) if is_look => spoken(problems::later(problem)),
        Err(problem) => spoken(problem),
    })
}

/// Says which version is spoken, as every answer does.
fn spoken(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let version = HeaderValue::from_static(tus::VERSION);
    response.headers_mut().insert("tus-resumable", version);
    response
}

fn offset(received: u64) -> (HeaderName, HeaderValue) {
    (
        HeaderName::from_static("upload-offset"),
        HeaderValue::from(received),
    )
}

fn expires(at: DateTime<Utc>) -> (HeaderName, String) {
    let at = at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    (HeaderName::from_static("upload-expires"), at)
}

impl Shared {
    fn abilities(&self) -> Response {
        let most = self.config.file_bytes.to_string();
        let headers = [
            (HeaderName::from_static("tus-version"), tus::VERSION.to_owned()),
            (
                HeaderName::from_static("tus-extension"),
                tus::EXTENSIONS.to_owned(),
            ),
            (HeaderName::from_static("tus-max-size"), most),
            (
                HeaderName::from_static("tus-checksum-algorithm"),
                tus::ALGORITHM.to_owned(),
            ),
        ];
        spoken((StatusCode::NO_CONTENT, headers))
    }

    async fn carry_out(
        self: &Arc<Self>,
        asked: Ask,
        id: Option<Uuid>,
        request: Request,
    ) -> Result<Response, Problem> {
        let principal = self.bearer(request.headers()).await?;
        let user = principal.user;
        match (asked, id) {
            (Ask::Begin(begin), _) => self.begin(&principal, begin).await,
            (Ask::Look, Some(id)) => self.look(id, user).await,
            (Ask::Append(append), Some(id)) => self.append(id, user, append, request.into_body()).await,
            (Ask::GiveUp, Some(id)) => self.give_up(id, user).await,
            (_, None) => Err(self.wrong(Wrong::Method)),
        }
    }

    fn wrong(&self, wrong: Wrong) -> Problem {
        let problem = match wrong {
            Wrong::TooLarge => return problems::too_large(self.config.file_bytes),
            Wrong::Version => Problem::invalid("tus-resumable", "version 1.0.0 of tus is spoken here"),
            Wrong::Offset => problems::elsewhere(),
            Wrong::Metadata => {
                problems::too_long("the name has 255 bytes at most, and all metadata 4096".to_owned())
                    .field("upload-metadata")
            }
            Wrong::Type => Problem::invalid("content-type", "a part is `application/offset+octet-stream`"),
            Wrong::Header(name) => Problem::invalid(name, format!("`{name}` is missing or not valid")),
            Wrong::Method => problems::method(),
        };
        problem.status(wrong.status())
    }

    /// How long an upload is kept that nobody goes on with, in seconds. Until when that is, is told by the database's clock: any node may forget it.
    fn lasts_s(&self) -> i64 {
        i64::from(self.config.resumable_s)
    }

    /// When an upload ends at the latest, in seconds since it began.
    fn ends_s(&self) -> i64 {
        LASTS * self.lasts_s()
    }

    async fn begin(self: &Arc<Self>, principal: &Principal, begin: Begin) -> Result<Response, Problem> {
        self.paced(principal)?;
        let Begin {
            size,
            name,
            media_type,
            metadata,
        } = begin;
        let claim = Claim {
            user: principal.user,
            name,
            media_type,
        };
        let (id, lasts_s, shared) = (Self::mint(), self.lasts_s(), Arc::clone(self));
        let taking = self.see_through(async move {
            let coming = Coming {
                id,
                claim: &claim,
                size,
                metadata: Some(&metadata),
                lasts_s,
            };
            shared.take_room(coming).await
        });
        let expires_at = taking.await?;
        let place = (header::LOCATION, format!("/attachments/tus/{id}"));
        Ok((StatusCode::CREATED, [place, expires(expires_at)]).into_response())
    }

    async fn find_upload(&self, id: Uuid, user: Uuid) -> Result<Upload, Problem> {
        let sql = include_str!("resumable/find.sql");
        let rows = self.tables.rows(sql, &[&id, &user]).await?;
        let row = rows.first().ok_or_else(problems::missing)?;
        let read = Upload::read(id, user, row);
        read.ok().flatten().ok_or_else(problems::away)
    }

    async fn look(self: &Arc<Self>, id: Uuid, user: Uuid) -> Result<Response, Problem> {
        let mut upload = self.find_upload(id, user).await?;
        if upload.is_owed() {
            // Whoever is told that all has come takes it for stored.
            let place = self.uploads.take(user)?;
            if self.finish(upload, Some(place)).await? == Ending::Gone {
                return Err(self.end_gone(id).await?);
            }
            upload = self.find_upload(id, user).await?;
        }
        let size = (
            HeaderName::from_static("upload-length"),
            HeaderValue::from(upload.state.size),
        );
        let cache = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let place = [offset(upload.state.received), size, cache];
        let mut response = (StatusCode::OK, place, [expires(upload.expires_at)]).into_response();
        let metadata = upload.metadata.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(metadata)) = metadata {
            response.headers_mut().insert("upload-metadata", metadata);
        }
        Ok(response)
    }

    /// Ends an upload whose parts cannot be found, so that its sender begins again and has the room for that; but not at once: where the store is
    /// that is away (a folder that is not mounted yet), they are there again a little later. The answer to whoever has asked.
    async fn end_gone(&self, id: Uuid) -> Result<Problem, Problem> {
        let sql = include_str!("resumable/gone.sql");
        let rows = self.tables.rows(sql, &[&id, &GONE_S]).await?;
        let Some(row) = rows.first() else {
            return Ok(problems::away());
        };
        self.forget(row.try_get("parts").unwrap_or_default()).await;
        Ok(problems::missing())
    }

    async fn append(
        self: &Arc<Self>,
        id: Uuid,
        user: Uuid,
        append: Append,
        body: Body,
    ) -> Result<Response, Problem> {
        let place = self.uploads.take(user)?;
        let mut upload = self.find_upload(id, user).await?;
        let room = upload
            .state
            .room(append.offset)
            .map_err(|wrong| self.wrong(wrong))?;
        let parts = PARTS + 2 * (upload.state.size / PART as u64);
        if upload.parts.len() as u64 >= parts {
            return Err(problems::too_long("the upload has too many parts".to_owned()));
        }
        let taking = Arc::clone(self);
        // Where its sender hangs up, what has come counts or is cleaned up all the same.
        let taken = self.see_through(async move {
            taking.take_parts(&mut upload, body, room, append.sum).await?;
            Ok((upload, place))
        });
        let (upload, place) = taken.await?;
        let received = upload.state.received;
        let expires_at = upload.expires_at;
        if upload.is_owed() && self.finish(upload, Some(place)).await? == Ending::Gone {
            // Behind this clients ask how far it is, and are told.
            return Err(problems::away());
        }
        Ok((StatusCode::NO_CONTENT, [offset(received)], [expires(expires_at)]).into_response())
    }

    async fn give_up(&self, id: Uuid, user: Uuid) -> Result<Response, Problem> {
        let upload = self.find_upload(id, user).await?;
        self.give_room_back(upload.id).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// Forgets uploads that nobody has gone on with.
    pub(super) async fn forget_expired(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        loop {
            let sql = include_str!("resumable/expired.sql");
            let rows = self.tables.rows(sql, &[&now]).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                self.forget(row.try_get("parts").unwrap_or_default()).await;
            }
        }
    }
}
