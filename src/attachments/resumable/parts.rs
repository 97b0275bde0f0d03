//! The parts of an upload: taken into objects, and put together when all are there.

use super::{PART, Upload};
use crate::attachments::Shared;
use crate::attachments::checksum::Sum;
use crate::attachments::intake::Intake;
use crate::attachments::problems;
use crate::attachments::store::incoming;
use crate::attachments::storing::Claim;
use crate::attachments::tus::{MISMATCH, Wrong};
use crate::problem::Problem;
use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

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
        let deadline = Instant::now() + self.config.upload();
        let (mut chunks, mut buffer) = (body.into_data_stream(), BytesMut::new());
        let (mut sum, mut taken) = (Sha256::new(), 0_u64);
        let (mut parts, mut ends) = (vec![], vec![]);
        let mut end = upload.state.received;
        let mut broken = None;
        loop {
            let chunk = timeout(self.config.stalled(), chunks.next()).await;
            let chunk = match chunk {
                Ok(Some(Ok(chunk))) if Instant::now() < deadline => Some(chunk),
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
                    self.grow(upload, std::mem::take(&mut parts), std::mem::take(&mut ends), end)
                        .await?;
                }
            }
            if is_last {
                break;
            }
        }
        if let Some(wanted) = wanted {
            if broken.is_some() || wanted[..] != sum.finalize()[..] {
                for part in parts {
                    // What is left goes with the leftovers.
                    let _ = self.store.remove(&incoming(part)).await;
                }
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

    /// The upload has come further, unless another request was faster.
    async fn grow(
        &self,
        upload: &mut Upload,
        parts: Vec<Uuid>,
        ends: Vec<i64>,
        end: u64,
    ) -> Result<(), Problem> {
        let at = i64::try_from(upload.state.received).unwrap_or(i64::MAX);
        let (to, expires_at) = (i64::try_from(end).unwrap_or(i64::MAX), self.lasts());
        let sql = include_str!("grow.sql");
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&upload.id, &at, &to, &parts, &ends, &expires_at];
        if self.tables.rows(sql, &values).await?.is_empty() {
            return Err(self.wrong(Wrong::Offset));
        }
        upload.parts.extend(parts);
        upload.ends.extend(ends);
        (upload.state.received, upload.expires_at) = (end, expires_at);
        Ok(())
    }

    /// Reads all parts once more, and stores what they are together.
    pub(super) async fn put_together(&self, upload: Upload) -> Result<(), Problem> {
        let mut intake = Intake::new(&self.store);
        let mut start = 0;
        for (part, end) in upload.parts.iter().zip(&upload.ends) {
            let size = end.saturating_sub(start).max(0) as u64;
            start = *end;
            let chunks = self.store.read(&incoming(part), 0..size).await;
            let mut chunks = chunks.map_err(|error| problems::store(&error))?;
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|error| problems::store(&error))?;
                let pushed = intake.push(&chunk).await;
                pushed.map_err(|error| problems::store(&error))?;
            }
        }
        if intake.size() != upload.state.size {
            intake.abandon().await;
            return Err(problems::away());
        }
        let received = intake.finish().await.map_err(|error| problems::store(&error))?;
        let claim = Claim {
            user: upload.user,
            name: upload.name,
            media_type: upload.media_type,
        };
        self.store(upload.id, claim, received).await?;
        self.tables
            .rows(include_str!("stored.sql"), &[&upload.id])
            .await?;
        self.forget(upload.parts).await;
        Ok(())
    }

    pub(super) async fn forget(&self, parts: Vec<Uuid>) {
        for part in parts {
            if let Err(error) = self.store.remove(&incoming(part)).await {
                tracing::debug!(%error, "a part of an upload is left for the clean-up");
            }
        }
    }
}
