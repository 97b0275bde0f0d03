//! Invitations by name, from both sides: one row in the group for each that has no answer, and one for whoever was told of it, both by inviter.
//! The two are not the same: somebody who is invited by a person whom they block is told of nothing.

use crate::engine::session::SHORT;
use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::Transaction;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::{ConversationEvent, INVITATIONS_A_DAY, Ties, Told, UserId};
use tidings_eventlog::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static INVITATIONS: Sql = Sql::new(include_str!("invitations.sql"));
static SINCE: Sql = Sql::new(include_str!("invitations_since.sql"));
static INVITED: Sql = Sql::new(include_str!("invited_to.sql"));

/// Somebody who is invited into a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub user: Uuid,
    pub by: Uuid,
    pub at: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// A group into which somebody is invited, who was told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    pub conversation: Uuid,
    /// What it was called then.
    pub name: String,
    pub by: Uuid,
    pub at: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// A part of the invitations into each of `conversations` that can still be answered, in the order of the ids of who is invited and of who has
/// invited them.
pub fn invitations(conversations: Vec<Uuid>, range: &Range<(Uuid, Uuid)>) -> Select<Listed<Invitation>> {
    let read = |row: &Row| Listed::read(row, "user_id", Invitation::read);
    Select::new(&INVITATIONS, read)
        .ordered(range.order)
        .with(conversations)
        .with(range.after.map(|(user, _)| user))
        .with(range.after.map(|(_, by)| by))
        .with(range.before.map(|(user, _)| user))
        .with(range.before.map(|(_, by)| by))
        .with(range.rows)
}

/// A part of the groups into which each of `users` is invited and can still come, in the order of their ids. Each is named once, by one whom they do
/// not block.
pub fn invited(users: Vec<Uuid>, range: &Range<Uuid>) -> Select<Listed<Invited>> {
    let read = |row: &Row| Listed::read(row, "conversation", Invited::read);
    Select::new(&INVITED, read).with(users).within(range)
}

/// How many `user` has invited since a moment a day ago, into each group for itself, counted as far as it may go. It may be less than the log
/// says.
pub async fn invitations_since(
    pool: &Pool,
    user: Uuid,
    since: DateTime<Utc>,
) -> Result<Ties, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&SINCE.text(client.home())).await?;
        let most = i64::from(INVITATIONS_A_DAY);
        let row = client.query_one(&statement, &[&user, &since, &most]).await?;
        let sent: i64 = row.try_get("sent")?;
        let first: Option<DateTime<Utc>> = row.try_get("first")?;
        Ok::<_, ProjectionError>(Ties {
            invitations: u32::try_from(sent).unwrap_or(u32::MAX),
            free_at: first.map(|first| first + TimeDelta::days(1)),
            ..Ties::default()
        })
    };
    within(SHORT, reading).await
}

impl Invitation {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            user: row.try_get("user_id")?,
            by: row.try_get("by_user")?,
            at: row.try_get("at")?,
            until: row.try_get("until")?,
        })
    }
}

impl Invited {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            conversation: row.try_get("conversation")?,
            name: row.try_get("name")?,
            by: row.try_get("by_user")?,
            at: row.try_get("at")?,
            until: row.try_get("until")?,
        })
    }
}

/// In the group or on the user's own stream, whom or what it is about.
type Key = (Uuid, Uuid);

/// What a batch does to invitations: what is there at the end of it, by its inviter, too, and what was ended before that, by one inviter or by
/// all.
struct Changes<T> {
    gone: BTreeSet<(Key, Option<Uuid>)>,
    open: BTreeMap<(Key, Uuid), T>,
}

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Self {
            gone: BTreeSet::new(),
            open: BTreeMap::new(),
        }
    }
}

impl<T> Changes<T> {
    fn add(&mut self, key: Key, by: Uuid, open: T) {
        self.open.insert((key, by), open);
    }

    fn end(&mut self, key: Key, by: Option<Uuid>) {
        let (first, last) = by.map_or((Uuid::nil(), Uuid::max()), |by| (by, by));
        let those = self.open.range((key, first)..=(key, last));
        let those: Vec<(Key, Uuid)> = those.map(|(place, _)| *place).collect();
        for place in those {
            self.open.remove(&place);
        }
        self.gone.insert((key, by));
    }

    /// Takes away what is gone.
    async fn clear(&self, transaction: &Transaction<'_>, schema: &str, sql: &str) -> Result<(), Error> {
        if self.gone.is_empty() {
            return Ok(());
        }
        let firsts: Vec<Uuid> = self.gone.iter().map(|((first, _), _)| *first).collect();
        let seconds: Vec<Uuid> = self.gone.iter().map(|((_, second), _)| *second).collect();
        let bys: Vec<Option<Uuid>> = self.gone.iter().map(|(_, by)| *by).collect();
        run(transaction, schema, sql, &[&firsts, &seconds, &bys]).await?;
        Ok(())
    }
}

/// What a batch does to the invitations of groups.
#[derive(Default)]
pub(super) struct Invitations {
    /// By conversation and who is invited.
    changes: Changes<Invitation>,
    /// By conversation, who invites and who is invited: when that was last.
    sent: BTreeMap<(Uuid, Uuid, Uuid), DateTime<Utc>>,
}

impl Invitations {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &ConversationEvent) {
        let (user, by) = match event {
            ConversationEvent::InvitationSent(sent) => {
                let (user, by) = (sent.user.0, sent.by.0);
                let invitation = Invitation {
                    user,
                    by,
                    at: fact.at(),
                    until: sent.until.time(),
                };
                self.sent.insert((fact.stream(), by, user), fact.at());
                self.changes.add((fact.stream(), user), by, invitation);
                return;
            }
            ConversationEvent::InvitationAccepted(accepted) => (accepted.user, None),
            ConversationEvent::InvitationDeclined(declined) => (declined.user, None),
            ConversationEvent::InvitationWithdrawn(withdrawn) => (withdrawn.user, withdrawn.by),
            _ => return,
        };
        self.changes
            .end((fact.stream(), user.0), by.map(|by: UserId| by.0));
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let sql = include_str!("invitation_gone.sql");
        self.changes.clear(transaction, schema, sql).await?;
        let open = &self.changes.open;
        if !open.is_empty() {
            let conversations: Vec<Uuid> = open.keys().map(|((conversation, _), _)| *conversation).collect();
            let users: Vec<Uuid> = open.values().map(|open| open.user).collect();
            let bys: Vec<Uuid> = open.values().map(|open| open.by).collect();
            let ats: Vec<DateTime<Utc>> = open.values().map(|open| open.at).collect();
            let ends: Vec<DateTime<Utc>> = open.values().map(|open| open.until).collect();
            let sql = include_str!("invitation.sql");
            run(
                transaction,
                schema,
                sql,
                &[&conversations, &users, &bys, &ats, &ends],
            )
            .await?;
        }
        if !self.sent.is_empty() {
            let conversations: Vec<Uuid> = self.sent.keys().map(|(conversation, ..)| *conversation).collect();
            let bys: Vec<Uuid> = self.sent.keys().map(|(_, by, _)| *by).collect();
            let users: Vec<Uuid> = self.sent.keys().map(|(.., user)| *user).collect();
            let ats: Vec<DateTime<Utc>> = self.sent.values().copied().collect();
            let sql = include_str!("invitation_sent.sql");
            run(transaction, schema, sql, &[&conversations, &bys, &users, &ats]).await?;
        }
        Ok(())
    }
}

/// What a batch tells people, by user and conversation.
#[derive(Default)]
pub(super) struct Heard(Changes<Invited>);

impl Heard {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, told: &Told) {
        match told {
            Told::Invited(invited) => {
                let open = Invited {
                    conversation: invited.conversation.0,
                    name: invited.name.as_str().to_owned(),
                    by: invited.by.0,
                    at: fact.at(),
                    until: invited.until.time(),
                };
                self.0
                    .add((fact.stream(), invited.conversation.0), invited.by.0, open);
            }
            Told::InvitationEnded(ended) => {
                let by = ended.by.map(|by| by.0);
                self.0.end((fact.stream(), ended.conversation.0), by);
            }
            _ => {}
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let sql = include_str!("invited_gone.sql");
        self.0.clear(transaction, schema, sql).await?;
        let open = &self.0.open;
        if !open.is_empty() {
            let users: Vec<Uuid> = open.keys().map(|((user, _), _)| *user).collect();
            let conversations: Vec<Uuid> = open.values().map(|open| open.conversation).collect();
            let names: Vec<&str> = open.values().map(|open| open.name.as_str()).collect();
            let bys: Vec<Uuid> = open.values().map(|open| open.by).collect();
            let ats: Vec<DateTime<Utc>> = open.values().map(|open| open.at).collect();
            let ends: Vec<DateTime<Utc>> = open.values().map(|open| open.until).collect();
            let sql = include_str!("invited.sql");
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&users, &conversations, &names, &bys, &ats, &ends];
            run(transaction, schema, sql, &values).await?;
        }
        Ok(())
    }
}
