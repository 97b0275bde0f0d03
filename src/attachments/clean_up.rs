//! What goes: attachments that no message shows, then bytes that no attachment has and that are not held for those who look at reports, and
//! uploads that nobody goes on with. Those of which all has come are stored last, for that may take long.
//!
//! Bytes are removed in steps, for somebody may be storing the same ones: they are moved aside, the read models come to all that the
//! log holds by then, and where somebody has stored them after all they are moved back. Whoever stores looks behind the event whether
//! they are there.

use super::Shared;
use super::store::{StoreError, doubtful, incoming, kept, leaving, thumbnail};
use super::thumbnail::SIZES;
use crate::clock;
use crate::outcome::Refusal;
use crate::problem::Problem;
use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tidings_domain::event::AttachmentRemoved;
use tidings_domain::{CommandId, UserCommand, UserId};
use tidings_projections::attachments::{Attachment, attachments, is_stored, orphans, unclaimed};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How much longer than messages may begin to show an attachment it is kept: commands that were decided at the last moment are in the
/// log long before.
const GRACE: TimeDelta = TimeDelta::minutes(30);
/// How long bytes may be in doubt while they are stored.
const DOUBT: TimeDelta = TimeDelta::minutes(30);
/// Attachments that are looked at at once.
const ROWS: i64 = 200;
/// How often all attachments are looked at, and not only those that have come of age since: messages that showed some were recalled.
const WHOLE: Duration = Duration::from_hours(6);

/// How far attachments have been looked at, by when they were stored.
struct Look {
    place: (DateTime<Utc>, Uuid),
    began: Instant,
}

impl Look {
    fn begin() -> Self {
        Self {
            place: (DateTime::UNIX_EPOCH, Uuid::nil()),
            began: Instant::now(),
        }
    }
}

/// Why nothing was removed. It is tried again.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the read models do not answer")]
    Tables,
    #[error(transparent)]
    Log(#[from] Refusal),
}

impl From<Problem> for Trouble {
    fn from(_: Problem) -> Self {
        Self::Tables
    }
}

/// Removes what is to be removed, again and again.
pub(super) async fn run(shared: Arc<Shared>) {
    let every = Duration::from_secs(shared.config.clean_up_s);
    let mut look = Look::begin();
    loop {
        sleep(every).await;
        if !shared.store.is_begun().await {
            continue;
        }
        if look.began.elapsed() > WHOLE {
            look = Look::begin();
        }
        for error in shared.clean_up(&mut look).await {
            tracing::warn!(%error, "attachments could not be cleaned up");
            metrics::counter!("tidings_attachments_clean_up_failures_total").increment(1);
        }
    }
}

impl Shared {
    /// One look at all that may have to go. What goes wrong with some of it keeps none of the rest.
    async fn clean_up(self: &Arc<Self>, look: &mut Look) -> Vec<Trouble> {
        let now = match self.time().await {
            Ok(now) => now,
            Err(problem) => return vec![problem.into()],
        };
        let done = [
            self.remove_orphans(look, now).await,
            self.settle_doubts(now).await,
            self.settle_leaving(now).await,
            self.let_go(now).await,
            self.forget_expired(now).await.map_err(Trouble::from),
            self.remove_leftovers(now).await,
            self.finish_owed(now).await.map_err(Trouble::from),
        ];
        done.into_iter().filter_map(Result::err).collect()
    }

    /// The time by which things go: that of the database, as the log's is, by which files were stored, or of this node, as that of a folder may
    /// be, whichever is behind. Where one of the clocks is ahead, nothing goes before its time.
    async fn time(&self) -> Result<DateTime<Utc>, Problem> {
        Ok(self.tables.now().await?.min(clock::now()))
    }

    /// Removes attachments that no message has come to show in time, or shows any more.
    async fn remove_orphans(&self, look: &mut Look, now: DateTime<Utc>) -> Result<(), Trouble> {
        self.tables.catch_up().await?;
        let window = TimeDelta::seconds(i64::from(self.config.attach_window_s));
        let before = now - window - GRACE;
        loop {
            let looked_at = self.tables.ask(orphans(look.place, before, ROWS)).await?;
            let Some(last) = looked_at.last() else {
                return Ok(());
            };
            let seeming = looked_at.iter().filter(|orphan| orphan.unclaimed);
            for orphan in self.unclaimed(seeming.map(|orphan| orphan.id).collect()).await? {
                // One that cannot be removed keeps none of the others. It is looked at again with all.
                if let Err(error) = self.remove(&orphan).await {
                    tracing::warn!(attachment = %orphan.id, %error, "an attachment could not be removed");
                    metrics::counter!("tidings_attachments_clean_up_failures_total").increment(1);
                }
            }
            look.place = (last.at, last.id);
        }
    }

    /// Which of these no message shows, by all that the log holds now. How far the read model has come by this process's memory is when to look
    /// and no more: what it lacks all the same, as a lane that it has lost, may be what shows them.
    async fn unclaimed(&self, seeming: Vec<Uuid>) -> Result<Vec<Attachment>, Trouble> {
        if seeming.is_empty() {
            return Ok(vec![]);
        }
        let heads = self.tables.catch_up().await?;
        let looked_at = self.tables.ask(unclaimed(seeming, &heads)).await?;
        if looked_at.is_empty() {
            return Err(Trouble::Tables);
        }
        let unclaimed = looked_at.into_iter().filter(|(_, is_unclaimed)| *is_unclaimed);
        let unclaimed = unclaimed.map(|(attachment, _)| attachment).collect();
        Ok(self.tables.ask(attachments(unclaimed)).await?)
    }

    async fn remove(&self, attachment: &Attachment) -> Result<(), Trouble> {
        self.tables.note_removal(attachment).await?;
        let removed = AttachmentRemoved {
            attachment: attachment.id,
            size: u64::try_from(attachment.size).unwrap_or(0),
        };
        let id = CommandId::of_removal(self.log_id, attachment.id);
        let command = UserCommand::RemoveAttachment(removed);
        let owner = UserId(attachment.owner);
        self.lanes.submit_user(owner, id.0, command, None).await?;
        tracing::info!(attachment = %attachment.id, user = %attachment.owner, "an attachment that no message shows was removed");
        metrics::counter!("tidings_attachments_removed_total").increment(1);
        Ok(())
    }

    /// Removes bytes that nobody has stored in the end, or has any more.
    async fn settle_doubts(&self, now: DateTime<Utc>) -> Result<(), Trouble> {
        let before = now - DOUBT;
        let (mut names, mut troubles) = (self.store.list("doubtful", before).await?, Troubles::default());
        while let Some(page) = names.page().await? {
            for sha256 in page {
                troubles.go_on(self.settle_doubt(&sha256, before).await)?;
            }
        }
        troubles.end()
    }

    async fn settle_doubt(&self, sha256: &str, before: DateTime<Utc>) -> Result<(), Trouble> {
        let stored = self.tables.ask(is_stored(sha256.to_owned(), &[])).await?;
        if !stored.contains(&true) && !self.tables.are_held(sha256).await? {
            let moved = Moved::of(sha256);
            match self.store.rename(&kept(sha256), &moved.path()).await {
                Ok(()) => self.settle(&moved).await?,
                Err(StoreError::Missing) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Somebody may have come to doubt them again.
        let doubt = doubtful(sha256);
        if self.store.written(&doubt).await?.is_some_and(|at| at < before) {
            self.store.remove(&doubt).await?;
        }
        Ok(())
    }

    /// What was being removed when a node ended.
    async fn settle_leaving(&self, now: DateTime<Utc>) -> Result<(), Trouble> {
        let (mut names, mut troubles) = (
            self.store.list("leaving", now - DOUBT).await?,
            Troubles::default(),
        );
        while let Some(page) = names.page().await? {
            for name in page {
                troubles.go_on(self.settle(&Moved { name }).await)?;
            }
        }
        troubles.end()
    }

    /// Bytes that were moved aside go, or come back.
    async fn settle(&self, moved: &Moved) -> Result<(), Trouble> {
        let heads = self.tables.catch_up().await?;
        let sha256 = moved.sha256();
        let stored = self.tables.ask(is_stored(sha256.to_owned(), &heads)).await?;
        let is_stored = *stored.first().ok_or(Trouble::Tables)?;
        if !is_stored && !self.tables.are_held(sha256).await? {
            self.remove_thumbnails(sha256).await?;
            return Ok(self.store.remove(&moved.path()).await?);
        }
        match self.store.rename(&moved.path(), &kept(sha256)).await {
            // Another node was faster.
            Err(StoreError::Missing) => Ok(()),
            moved => Ok(moved?),
        }
    }

    pub(super) async fn remove_thumbnails(&self, sha256: &str) -> Result<(), StoreError> {
        for size in SIZES {
            self.store.remove(&thumbnail(sha256, size)).await?;
        }
        Ok(())
    }

    /// What uploads have left that were never finished.
    async fn remove_leftovers(&self, now: DateTime<Utc>) -> Result<(), Trouble> {
        let longest = TimeDelta::seconds(i64::from(self.config.resumable_s)) + TimeDelta::days(1);
        let mut names = self.store.list("incoming", now - longest).await?;
        let mut troubles = Troubles::default();
        while let Some(page) = names.page().await? {
            let parts: Vec<Uuid> = page
                .iter()
                .filter_map(|name| Uuid::try_parse(name).ok())
                .collect();
            let named = self
                .tables
                .rows(include_str!("resumable/named.sql"), &[&parts])
                .await?;
            let named: HashSet<Uuid> = named.iter().filter_map(|row| row.try_get(0).ok()).collect();
            for name in page {
                // An upload that somebody goes on with has parts of any age.
                if Uuid::try_parse(&name).is_ok_and(|part| named.contains(&part)) {
                    continue;
                }
                let removed = self.store.remove(&incoming(name)).await;
                troubles.go_on(removed.map_err(Trouble::from))?;
            }
        }
        troubles.end()
    }
}

/// What went wrong with some of many, of which the first is told.
#[derive(Default)]
pub(super) struct Troubles(Option<Trouble>);

impl Troubles {
    /// Goes on behind one that the store refused: it keeps none of the others. Where nobody answers it would go wrong with all of them.
    pub(super) fn go_on(&mut self, done: Result<(), Trouble>) -> Result<(), Trouble> {
        match done {
            Err(Trouble::Store(error @ (StoreError::Failed(_) | StoreError::Missing))) => {
                self.0.get_or_insert(error.into());
                Ok(())
            }
            done => done,
        }
    }

    pub(super) fn end(self) -> Result<(), Trouble> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Bytes that were moved aside. Each who moves some does so to a place of its own: whoever has stored the same bytes meanwhile keeps
/// theirs.
struct Moved {
    /// The checksum in hexadecimal, and what tells those who moved apart.
    name: String,
}

impl Moved {
    fn of(sha256: &str) -> Self {
        Self {
            name: format!("{sha256}.{}", Uuid::new_v4().simple()),
        }
    }

    fn sha256(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    fn path(&self) -> Path {
        leaving(&self.name)
    }
}
