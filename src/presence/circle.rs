//! Who may see whom: people who share a conversation, and members how many of it are there.

use super::last_seen::last_seen;
use crate::lanes::Lanes;
use crate::outcome::Refusal;
use crate::tables;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tidings_domain::conversation::GROUP_MEMBERS_MAX;
use tidings_domain::pair::block::BLOCKS_MAX;
use tidings_domain::{CONTACTS_MAX, ConversationId, REQUESTS_MAX, UserId};
use tidings_eventlog::{Log, Pool};
use tidings_projections::people::{self, Audience, LastSeen};
use tidings_projections::{Checkpoints, Select, conversations};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The read models that say who is where, and what people want others to know.
const MODELS: [&str; 2] = ["conversations", "people"];
/// People between whom and somebody a block stands, on either side; of more who block somebody it is not known.
const PARTED_MAX: usize = BLOCKS_MAX as usize;

/// Statements, each with a time-out. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tables(Pool);

impl Tables {
    /// Takes an eighth of the sessions at most: who is there keeps nobody from messages.
    pub(super) fn new(log: &Log) -> Self {
        let pool = log.pool();
        Self(pool.portion(pool.max_size() / 8))
    }

    /// Runs one statement; nothing where there is no answer.
    pub(super) async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Option<Vec<Row>> {
        let answer = tables::rows(&self.0, sql, values).await;
        answer
            .map_err(|error| tracing::debug!(error, "a statement of presence failed"))
            .ok()
    }

    /// Asks the read models, as they are.
    pub(super) async fn ask<T>(&self, select: &Select<T>) -> Option<Vec<T>> {
        tables::ask(&self.0, select).await
    }
}

/// What somebody may watch of what they asked for.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) users: Vec<UserId>,
    pub(super) conversations: Vec<ConversationId>,
    /// Who is shown to the viewer as if they were invisible, wherever they are.
    pub(super) parted: HashSet<UserId>,
    pub(super) last_seen: HashMap<UserId, LastSeen>,
    /// To whom the viewer shows when they were last seen, and is shown the same of them.
    pub(super) shows: Audience,
    /// The viewer's contacts, where it matters who they are.
    pub(super) contacts: HashSet<UserId>,
}

/// Where it is looked up. Cheap to clone.
#[derive(Clone)]
pub(super) struct Circle {
    pub(super) tables: Tables,
    pub(super) log: Log,
    pub(super) checkpoints: Checkpoints,
    pub(super) lanes: Lanes,
    /// How long read models that are behind are waited for.
    pub(super) wait: Duration,
}

impl Circle {
    /// What `viewer` may watch of this. What is not for them is left out, as if it did not exist.
    pub(super) async fn grant(
        &self,
        viewer: UserId,
        users: &[UserId],
        wanted: &[ConversationId],
    ) -> Result<Granted, Refusal> {
        let mut conversations = Vec::with_capacity(wanted.len());
        for conversation in wanted {
            match self.lanes.authorize(*conversation, viewer, false).await {
                Ok(_) => conversations.push(*conversation),
                Err(refusal) if refusal.is_for_strangers() => {}
                Err(refusal) => return Err(refusal),
            }
        }
        self.catch_up().await?;
        let asked: Vec<Uuid> = users.iter().map(|user| user.0).collect();
        let mut known: Vec<Uuid> = vec![];
        if !asked.is_empty() {
            let select = conversations::acquainted(viewer.0, asked);
            known = self.tables.ask(&select).await.ok_or(Refusal::Unavailable)?;
        }
        let select = people::parted(viewer.0, PARTED_MAX);
        let parted = self.tables.ask(&select).await.ok_or(Refusal::Unavailable)?;
        let parted: HashSet<UserId> = parted.into_iter().map(UserId).collect();
        let mut of: Vec<Uuid> = known.clone();
        of.push(viewer.0);
        let last_seen = last_seen(&self.tables, of).await.ok_or(Refusal::Unavailable)?;
        let shows = last_seen.get(&viewer).map(|own| own.shown_to).unwrap_or_default();
        let mut contacts: Vec<Uuid> = vec![];
        if shows != Audience::Nobody {
            let select = people::contacts(viewer.0, (CONTACTS_MAX + REQUESTS_MAX) as usize);
            contacts = self.tables.ask(&select).await.ok_or(Refusal::Unavailable)?;
        }
        Ok(Granted {
            users: known.into_iter().map(UserId).collect(),
            conversations,
            parted,
            last_seen,
            shows,
            contacts: contacts.into_iter().map(UserId).collect(),
        })
    }

    /// When these people were last there, and whom they want to know it, as far as the log has come by now.
    pub(super) async fn last_seen(&self, users: &[UserId]) -> Option<HashMap<UserId, LastSeen>> {
        self.catch_up().await.ok()?;
        let users = users.iter().map(|user| user.0).collect();
        last_seen(&self.tables, users).await
    }

    /// The members of a conversation, as far as the log has come by now.
    pub(super) async fn members(&self, conversation: ConversationId) -> Result<Vec<UserId>, Refusal> {
        self.catch_up().await?;
        let select = conversations::member_ids(conversation.0, GROUP_MEMBERS_MAX);
        let members = self.tables.ask(&select).await.ok_or(Refusal::Unavailable)?;
        Ok(members.into_iter().map(UserId).collect())
    }

    /// Waits until the read model has come to all that the log holds by now.
    async fn catch_up(&self) -> Result<(), Refusal> {
        let catching_up = async {
            tables::readable(&self.checkpoints, &MODELS).await?;
            tables::catch_up(&self.log, &self.checkpoints, &MODELS, self.wait).await
        };
        let caught_up = timeout(self.wait, catching_up).await;
        caught_up
            .unwrap_or(Err(tables::Behind))
            .map_err(|_| Refusal::Unavailable)
    }
}
