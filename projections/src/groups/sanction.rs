//! Mutes and bans: one row for each that nobody has lifted. Bans that are over are shown to nobody: the group may have forgotten them, and lifts none
//! that it does not know.

use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::{ConversationEvent, Moment};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static SANCTIONS: Sql = Sql::new(include_str!("sanctions.sql"));

/// What was done to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SanctionKind {
    Muted,
    Banned,
}

/// Somebody who is muted or banned, until a moment that may be over where they are muted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanction {
    pub user: Uuid,
    pub by: Uuid,
    pub at: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub reason: Option<String>,
}

/// A part of those who are muted in each of `conversations`, or whose bans hold, in the order of their ids.
pub fn sanctions(
    conversations: Vec<Uuid>,
    kind: SanctionKind,
    range: &Range<Uuid>,
) -> Select<Listed<Sanction>> {
    let read = |row: &Row| Listed::read(row, "user_id", Sanction::read);
    Select::new(&SANCTIONS, read)
        .with(conversations)
        .with(kind.as_str())
        .within(range)
}

impl SanctionKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Muted => "muted",
            Self::Banned => "banned",
        }
    }
}

impl Sanction {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            user: row.try_get("user_id")?,
            by: row.try_get("by_user")?,
            at: row.try_get("at")?,
            until: row.try_get("until")?,
            reason: row.try_get("reason")?,
        })
    }
}

/// What a batch does, by conversation, kind and user: the last of it, and nothing where that was lifted.
#[derive(Default)]
pub(super) struct Sanctions(BTreeMap<(Uuid, SanctionKind, Uuid), Option<Sanction>>);

impl Sanctions {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &ConversationEvent) {
        let (kind, user, until, reason) = match event {
            ConversationEvent::MemberMuted(muted) => (
                SanctionKind::Muted,
                muted.user,
                muted.on.then_some(muted.until),
                None,
            ),
            ConversationEvent::MemberBanned(banned) => {
                let reason = banned.reason.as_ref().map(|reason| reason.as_str().to_owned());
                (SanctionKind::Banned, banned.user, Some(banned.until), reason)
            }
            ConversationEvent::MemberUnbanned(unbanned) => (SanctionKind::Banned, unbanned.user, None, None),
            _ => return,
        };
        let sanction = until.map(|until| Sanction {
            user: user.0,
            by: fact.record.actor,
            at: fact.at(),
            until: until.map(Moment::time),
            reason,
        });
        self.0.insert((fact.stream(), kind, user.0), sanction);
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let (mut gone, mut come) = (Keys::default(), Keys::default());
        let mut those = vec![];
        for (key, sanction) in &self.0 {
            match sanction {
                Some(sanction) => {
                    come.push(*key);
                    those.push(sanction);
                }
                None => gone.push(*key),
            }
        }
        if !gone.conversations.is_empty() {
            let sql = include_str!("sanction_gone.sql");
            let Keys {
                conversations,
                kinds,
                users,
            } = &gone;
            run(transaction, schema, sql, &[conversations, kinds, users]).await?;
        }
        if !come.conversations.is_empty() {
            let bys: Vec<Uuid> = those.iter().map(|sanction| sanction.by).collect();
            let ats: Vec<DateTime<Utc>> = those.iter().map(|sanction| sanction.at).collect();
            let ends: Vec<Option<DateTime<Utc>>> = those.iter().map(|sanction| sanction.until).collect();
            let reasons: Vec<Option<&str>> =
                those.iter().map(|sanction| sanction.reason.as_deref()).collect();
            let sql = include_str!("sanction.sql");
            let Keys {
                conversations,
                kinds,
                users,
            } = &come;
            run(
                transaction,
                schema,
                sql,
                &[conversations, kinds, users, &bys, &ats, &ends, &reasons],
            )
            .await?;
        }
        Ok(())
    }
}

/// The columns of a key.
#[derive(Default)]
struct Keys {
    conversations: Vec<Uuid>,
    kinds: Vec<&'static str>,
    users: Vec<Uuid>,
}

impl Keys {
    fn push(&mut self, (conversation, kind, user): (Uuid, SanctionKind, Uuid)) {
        self.conversations.push(conversation);
        self.kinds.push(kind.as_str());
        self.users.push(user);
    }
}
