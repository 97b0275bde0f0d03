//! What the read models know of attachments, and accounts of who looks at them, as fresh as it has to be.

use super::problems;
use crate::problem::Problem;
use crate::role::Role;
use crate::tables;
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use std::time::Duration;
use tidings_domain::stored::Kind;
use tidings_eventlog::{LaneHead, Log, describe};
use tidings_projections::{Checkpoints, Select};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// The read models that say who may see an attachment.
const MODELS: [&str; 2] = ["attachments", "conversations"];

/// The read models.
#[derive(Clone)]
pub(super) struct Tables {
    log: Log,
    checkpoints: Checkpoints,
    /// How long it is waited for read models that are behind.
    wait: Duration,
}

impl Tables {
    /// Takes a quarter of the sessions at most: who waits for a file keeps nobody else from theirs.
    pub(super) fn new(log: &Log, checkpoints: Checkpoints, wait: Duration) -> Self {
        Self {
            log: log.portion(log.pool().max_size() / 4),
            checkpoints,
            wait,
        }
    }

    /// Asks the read models, as they are.
    pub(super) async fn ask<T>(&self, select: Select<T>) -> Result<Vec<T>, Problem> {
        let models = select.models();
        let refused = self.checkpoints.refused();
        if refused.iter().any(|(name, _)| models.contains(name)) {
            return Err(problems::away());
        }
        // One that is being built lacks what was, one that stands before what only a newer program can fold perhaps that somebody is no
        // member any more.
        let readable = async {
            self.checkpoints.built(models).await;
            self.checkpoints.released(models).await;
        };
        timeout(self.wait, readable).await.map_err(|_| problems::away())?;
        let sql = select.sql(self.log.pool().home());
        let rows = self.rows(&sql, &select.values()).await?;
        read(&rows, |row| select.read(row))
    }

    /// Runs one statement.
    pub(super) async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Problem> {
        let answer = tables::rows(self.log.pool(), sql, values).await;
        answer.map_err(|error| {
            tracing::warn!(error, "attachments cannot be looked up");
            problems::away()
        })
    }

    /// The time, by the database's clock.
    pub(super) async fn now(&self) -> Result<DateTime<Utc>, Problem> {
        let rows = self.rows(include_str!("now.sql"), &[]).await?;
        let now = rows.first().and_then(|row| row.try_get(0).ok());
        now.ok_or_else(problems::away)
    }

    /// Which of these files of a user the log holds, whether or not they have been removed since.
    pub(super) async fn logged(&self, user: Uuid, files: &[Uuid]) -> Result<HashSet<Uuid>, Problem> {
        if files.is_empty() {
            return Ok(HashSet::new());
        }
        let asked: Vec<(Uuid, Uuid)> = files.iter().map(|file| (user, *file)).collect();
        let stored = self.log.origins(Kind::ATTACHMENT_STORED.0, &asked).await;
        let stored = stored.map_err(|_| problems::away())?;
        Ok(stored.into_iter().map(|origin| origin.command).collect())
    }

    /// Whether a user holds one of these roles by now, whatever their tokens say.
    pub(super) async fn holds(&self, user: Uuid, roles: &[Role]) -> Result<bool, Problem> {
        let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let rows = self
            .rows(include_str!("holds_role.sql"), &[&user, &names])
            .await?;
        Ok(!rows.is_empty())
    }

    /// The one row that is asked for. Where there is none, the read models are given time to come to all that the log holds by now.
    pub(super) async fn find<T>(&self, select: impl Fn() -> Select<T>) -> Result<Option<T>, Problem> {
        if let Some(found) = self.ask(select()).await?.pop() {
            return Ok(Some(found));
        }
        self.catch_up().await?;
        Ok(self.ask(select()).await?.pop())
    }

    /// Waits until the read models are said to have come to all that the log holds by now, and answers how far that is.
    pub(super) async fn catch_up(&self) -> Result<Vec<LaneHead>, Problem> {
        let heads = self.log.heads().await.map_err(|_| problems::away())?;
        let caught_up = tables::come_to(&self.checkpoints, &heads, &MODELS, self.wait);
        caught_up.await.map_err(|_| problems::away())?;
        Ok(heads)
    }
}

/// What rows hold, each of which is read in one way.
pub(super) fn read<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, Error>) -> Result<Vec<T>, Problem> {
    let read: Result<Vec<T>, Error> = rows.iter().map(read).collect();
    read.map_err(|error| {
        tracing::warn!(error = describe(&error), "an attachment cannot be read");
        problems::away()
    })
}
