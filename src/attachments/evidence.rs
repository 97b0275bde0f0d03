//! Attachments that were removed, apart from those that people have: what they were is noted and their bytes are held, for those who look at a
//! report of what showed them.
//!
//! Every attachment that is removed goes this way, at the same time and with the same answers to its owner. Whether a report is open matters an hour
//! later, and then for bytes alone that nobody else can ask for: so nobody learns from a file of their own that they were reported.

use super::Shared;
use super::clean_up::{Trouble, Troubles};
use super::store::doubtful;
use super::tables::{Tables, read};
use crate::problem::Problem;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashSet;
use tidings_projections::attachments::{Attachment, attachments, evidence, is_stored};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// How long each is held. What is reported by then has its file.
const HELD: TimeDelta = TimeDelta::hours(1);
/// How many are looked at at once.
const ROWS: i64 = 200;

/// One that is held.
struct Removed {
    id: Uuid,
    sha256: String,
    at: DateTime<Utc>,
    /// Whether it was looked at before, and its thumbnails are gone.
    is_bare: bool,
}

impl Removed {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("attachment")?,
            sha256: row.try_get("sha256")?,
            at: row.try_get("removed_at")?,
            is_bare: row.try_get("bare")?,
        })
    }
}

impl Tables {
    /// Notes what an attachment is that is about to be removed. Its bytes are held from here on.
    pub(super) async fn note_removal(&self, attachment: &Attachment) -> Result<(), Problem> {
        let (name, media_type, sha256) = (&*attachment.name, &*attachment.media_type, &*attachment.sha256);
        self.rows(
            include_str!("evidence/note.sql"),
            &[
                &attachment.id,
                &attachment.owner,
                &attachment.at,
                &name,
                &media_type,
                &attachment.size,
                &sha256,
                &attachment.width,
                &attachment.height,
            ],
        )
        .await?;
        Ok(())
    }

    /// Whether bytes are held. Whoever wants to remove them asks behind the question whether somebody has stored them: what is removed meanwhile was
    /// noted before.
    pub(super) async fn are_held(&self, sha256: &str) -> Result<bool, Problem> {
        let rows = self.rows(include_str!("evidence/held.sql"), &[&sha256]).await?;
        Ok(!rows.is_empty())
    }

    /// An attachment for those who look at a report of it: as people have it, or as it was when it was removed.
    pub(super) async fn reported(&self, id: Uuid) -> Result<Option<Attachment>, Problem> {
        if let Some(found) = self.ask(attachments(vec![id])).await?.pop() {
            return Ok(Some(found));
        }
        let rows = self.rows(include_str!("evidence/find.sql"), &[&id]).await?;
        if let Some(removed) = read(&rows, Attachment::read)?.pop() {
            return Ok(Some(removed));
        }
        // The read model may not have heard of it yet.
        self.find(|| attachments(vec![id])).await
    }

    async fn removed(
        &self,
        after: (DateTime<Utc>, Uuid),
        before: DateTime<Utc>,
    ) -> Result<Vec<Removed>, Problem> {
        let page = include_str!("evidence/page.sql");
        let rows = self.rows(page, &[&after.0, &after.1, &before, &ROWS]).await?;
        read(&rows, Removed::read)
    }
}

impl Shared {
    /// Lets go what was removed a while ago, but for what is evidence of a report that is open.
    pub(super) async fn let_go(&self, now: DateTime<Utc>) -> Result<(), Trouble> {
        let before = now - HELD;
        let (mut place, mut troubles) = ((DateTime::UNIX_EPOCH, Uuid::nil()), Troubles::default());
        loop {
            let page = self.tables.removed(place, before).await?;
            let Some(last) = page.last() else {
                return troubles.end();
            };
            place = (last.at, last.id);
            let evidence = self
                .evidence(page.iter().map(|removed| removed.id).collect())
                .await?;
            for removed in &page {
                let is_evidence = evidence.contains(&removed.id);
                troubles.go_on(self.look_at(removed, is_evidence, before).await)?;
            }
        }
    }

    /// Which of these are evidence, by all that the log holds now.
    async fn evidence(&self, attachments: Vec<Uuid>) -> Result<HashSet<Uuid>, Trouble> {
        let heads = self.tables.catch_up().await?;
        let looked_at = self.tables.ask(evidence(attachments, &heads)).await?;
        if looked_at.is_empty() {
            return Err(Trouble::Tables);
        }
        let evidence = looked_at.into_iter().filter(|(_, is_evidence)| *is_evidence);
        Ok(evidence.map(|(attachment, _)| attachment).collect())
    }

    /// Thumbnails go of all alike: whoever stores the same bytes once more is to find none made. Bytes are in doubt before nobody knows of them any more.
    async fn look_at(
        &self,
        removed: &Removed,
        is_evidence: bool,
        before: DateTime<Utc>,
    ) -> Result<(), Trouble> {
        if !removed.is_bare {
            let stored = self.tables.ask(is_stored(removed.sha256.clone(), &[])).await?;
            if !stored.contains(&true) {
                self.remove_thumbnails(&removed.sha256).await?;
            }
        }
        match (is_evidence, removed.is_bare) {
            (true, true) => {}
            (true, false) => {
                let strip = include_str!("evidence/strip.sql");
                self.tables.rows(strip, &[&removed.id, &before]).await?;
            }
            (false, _) => {
                self.store.put(&doubtful(&removed.sha256), Bytes::new()).await?;
                let forget = include_str!("evidence/forget.sql");
                self.tables.rows(forget, &[&removed.id, &before]).await?;
            }
        }
        Ok(())
    }
}
