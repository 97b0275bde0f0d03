//! Uploads of which all has come and that are no attachments yet: stored by whoever asks for them, and by the clean-up where nobody does.

use super::Upload;
use super::parts::Ending;
use crate::attachments::Shared;
use crate::attachments::places::Place;
use crate::problem::Problem;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::Error;

/// How long an upload is left at least to whoever has gone on with it or tried it last, in seconds; a `HEAD` may try it beside that. Longer than it takes to look at a file and to put it away.
const REST_S: i64 = 300;
/// How long at most one is left that cannot be stored, in seconds: each time as long again as it has been there.
const REST_MAX_S: i64 = 3600;
/// Uploads that cannot be stored, one behind the other, behind which the others wait: it is seldom for what is in them.
const FAILURES: usize = 3;
/// After so long no other one is begun with: what else is cleaned up waits for it.
const LOOK: Duration = Duration::from_mins(5);

impl Shared {
    /// Stores a file of which all has come. Whoever asks for it holds a place meanwhile; the clean-up has none, and stores one at a time.
    pub(super) async fn finish(
        self: &Arc<Self>,
        upload: Upload,
        place: Option<Place>,
    ) -> Result<Ending, Problem> {
        let (id, user) = (upload.id, upload.user);
        let shared = Arc::clone(self);
        let storing = self.see_through(async move {
            let stored = shared.put_together(upload).await;
            drop(place);
            stored
        });
        let ended = storing.await;
        if matches!(ended, Ok(Ending::Stored)) {
            return ended;
        }
        // Another request may have done so meanwhile, and taken the parts away.
        match self.find_upload(id, user).await {
            Ok(upload) if upload.is_stored => Ok(Ending::Stored),
            // Of parts that are not there it has to be known.
            Err(problem) if ended.is_ok() => Err(problem),
            _ => ended,
        }
    }

    /// Stores what could not be stored when it came, or ends it where it is refused: whoever has sent it may never ask again, and it takes room.
    /// What cannot be stored now either comes last the next time, and ever more rarely.
    pub(in crate::attachments) async fn finish_owed(
        self: &Arc<Self>,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let began = Instant::now();
        let lasts_s = self.lasts_s();
        let mut failures = 0;
        while failures < FAILURES && began.elapsed() < LOOK {
            let sql = include_str!("owed.sql");
            let rows = self
                .tables
                .rows(sql, &[&now, &lasts_s, &REST_S, &REST_MAX_S])
                .await?;
            let Some(row) = rows.first() else {
                return Ok(());
            };
            let read = || -> Result<Option<Upload>, Error> {
                Upload::read(row.try_get("id")?, row.try_get("user_id")?, row)
            };
            let Some(upload) = read().ok().flatten() else {
                tracing::warn!("an upload of which all has come cannot be read");
                failures += 1;
                continue;
            };
            let (id, user) = (upload.id, upload.user);
            match self.finish(upload, None).await {
                Ok(Ending::Stored) => {
                    tracing::info!(attachment = %id, %user, "a file is stored that could not be when it came");
                    failures = 0;
                }
                // Nothing else is wrong for that. Until its time is over its sender may ask, and is told.
                Ok(Ending::Gone) => {
                    tracing::warn!(attachment = %id, %user, "parts of a file of which all has come are gone");
                }
                Err(problem) if problem.code().retryable() => {
                    let code = problem.code().as_str();
                    tracing::warn!(attachment = %id, %user, code, "a file of which all has come cannot be stored yet");
                    metrics::counter!("tidings_attachments_clean_up_failures_total").increment(1);
                    failures += 1;
                }
                Err(problem) => {
                    let code = problem.code().as_str();
                    tracing::info!(attachment = %id, %user, code, "a file of which all had come was refused");
                    failures = 0;
                }
            }
        }
        Ok(())
    }
}
