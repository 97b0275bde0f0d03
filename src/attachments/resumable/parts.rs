//! The parts of an upload: taken into objects, and put together when all are there.

use super::{PART, Upload};
use crate::attachments::Shared;
use crate::attachments::checksum::Sum;
use crate::attachments::intake::Intake;
use crate::attachments::problems;
use crate::attachments::store::{StoreError, incoming};
use crate::attachments::storing::Claim;
use crate::attachments::tus::{MISMATCH, Wrong};
use crate::problem::Problem;
use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// What has come of an upload when its parts were put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is an attachment.
    Stored,
    /// Parts that its row names are not there: the database was set back, or somebody has tidied up. Asking again helps nobody.
    Gone,
}

impl Shared {
    /// Takes what comes of a file into objects. Without a checksum every part that is full counts by itself, and what has come before a
    /// break stays; with one, all counts or nothing.
    pub(super) async fn take_parts(
        &self,
        upload: &mut Upload,
        body: Body,
        room: u64,
        wanted: Option<Sum>,
    ) -> Result<(), Problem> {
        if body.size_hint().lower() > room {
            return Err(problems::too_large(upload.state.size));
        }
        let mut uncounted = vec![];
        let taken = self.take_into(upload, body, room, wanted, &mut uncounted).await;
        // Bytes that count for nobody are not kept, however it ended.
        self.forget(uncounted).await;
        taken
    }

    /// `parts` are those in the end that no row names.
    async fn take_into(
        &self,
        upload: &mut Upload,
        body: Body,
        room: u64,
        wanted: Option<Sum>,
        parts: &mut Vec<Uuid>,
    ) -> Result<(), Problem> {
        let began = Instant::now();
        let (mut chunks, mut buffer) = (body.into_data_stream(), BytesMut::new());
        let (mut sum, mut taken) = (Sha256::new(), 0_u64);
        let mut ends = vec![];
        let mut end = upload.state.received;
        let mut broken = None;
        loop {
            let chunk = timeout(self.config.stalled(), chunks.next()).await;
            let chunk = match chunk {
                Ok(Some(Ok(chunk))) if !self.config.is_over(began.elapsed(), taken) => Some(chunk),
                Ok(None) => None,
                Ok(Some(Err(_))) => {
                    broken = Some(problems::broken());
                    None
                }
                _ => {
                    broken = Some(problems::stands_still());
                    None
                }
            };
            let is_last = chunk.is_none();
            if let Some(chunk) = chunk {
                taken += chunk.len() as u64;
                if taken > room {
                    return Err(problems::too_large(upload.state.size));
                }
                sum.update(&chunk);
                buffer.extend_from_slice(&chunk);
            }
            while buffer.len() >= PART || (is_last && !buffer.is_empty()) {
                let part = buffer.split_to(buffer.len().min(PART)).freeze();
                end += part.len() as u64;
                parts.push(self.put_part(part).await?);
                ends.push(i64::try_from(end).unwrap_or(i64::MAX));
                if wanted.is_none() {
                    self.grow(upload, parts, std::mem::take(&mut ends), end).await?;
                }
            }
            if is_last {
                break;
            }
        }
        if let Some(wanted) = wanted {
            if broken.is_some() || wanted[..] != sum.finalize()[..] {
                let mismatch = StatusCode::from_u16(MISMATCH).unwrap_or(StatusCode::BAD_REQUEST);
                let problem = Problem::invalid("upload-checksum", "the part is not what its checksum says");
                return Err(broken.unwrap_or_else(|| problem.status(mismatch)));
            }
            if !parts.is_empty() {
                self.grow(upload, parts, ends, end).await?;
            }
        }
        broken.map_or(Ok(()), Err)
    }

    async fn put_part(&self, part: Bytes) -> Result<Uuid, Problem> {
        let id = Uuid::new_v4();
        let put = self.store.put(&incoming(id), part).await;
        put.map_err(|error| problems::store(&error))?;
        Ok(id)
    }

    /// The upload has come further by `parts`, unless another request was faster or its time is over, which leaves them.
    async fn grow(
        &self,
        upload: &mut Upload,
        parts: &mut Vec<Uuid>,
        ends: Vec<i64>,
        end: u64,
    ) -> Result<(), Problem> {
        let at = i64::try_from(upload.state.received).unwrap_or(i64::MAX);
        let to = i64::try_from(end).unwrap_or(i64::MAX);
        let (lasts_s, ends_s) = (self.lasts_s(), self.ends_s());
        let sql = include_str!("grow.sql");
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [&upload.id, &at, &to, &*parts, &ends, &lasts_s, &ends_s];
        let grown = self.tables.rows(sql, &values).await;
        if grown.as_ref().is_ok_and(Vec::is_empty) {
            return Err(self.wrong(Wrong::Offset));
        }
        // Without an answer the row may name them all the same: they are left to the clean-up, which looks.
        upload.parts.append(parts);
        let grown = grown?;
        upload.ends.extend(ends);
        upload.state.received = end;
        if let Some(expires_at) = grown.first().and_then(|row| row.try_get(0).ok()) {
            upload.expires_at = expires_at;
        }
        Ok(())
    }

    /// Reads all parts once more, and stores what they are together. An upload that is refused for good is ended: nobody shall take what has come
    /// for stored.
    pub(super) async fn put_together(&self, upload: Upload) -> Result<Ending, Problem> {
        let mut intake = Intake::new(&self.store);
        let read = self.read_parts(&upload, &mut intake).await;
        if !matches!(read, Ok(true)) || intake.size() != upload.state.size {
            intake.abandon().await;
            return match read {
                Ok(true) => Err(problems::away()),
                Ok(false) => Ok(Ending::Gone),
                Err(error) => Err(problems::store(&error)),
            };
        }
        let received = intake.finish().await.map_err(|error| problems::store(&error))?;
        let claim = Claim {
            user: upload.user,
            name: upload.name,
            media_type: upload.media_type,
        };
        if let Err(problem) = self.store(upload.id, claim, received).await {
            if !problem.code().retryable() {
                // Where nobody answers, it is tried again by whoever looks.
                let _ = self.give_room_back(upload.id).await;
            }
            return Err(problem);
        }
        self.tables
            .rows(include_str!("stored.sql"), &[&upload.id])
            .await?;
        self.forget(upload.parts).await;
        Ok(Ending::Stored)
    }

    /// Reads all parts, and answers whether they are there.
    async fn read_parts(&self, upload: &Upload, intake: &mut Intake) -> Result<bool, StoreError> {
        let mut start = 0;
        for (part, end) in upload.parts.iter().zip(&upload.ends) {
            let size = end.saturating_sub(start).max(0) as u64;
            start = *end;
            let mut chunks = match self.store.read(&incoming(part), 0..size).await {
                Err(StoreError::Missing) => return Ok(false),
                read => read?,
            };
            while let Some(chunk) = chunks.next().await {
                intake.push(&chunk?).await?;
            }
        }
        Ok(true)
    }

    pub(in crate::attachments) async fn forget(&self, parts: Vec<Uuid>) {
        for part in parts {
            if let Err(error) = self.store.remove(&incoming(part)).await {
                tracing::debug!(%error, "a part of an upload is left for the clean-up");
            }
        }
    }
}
