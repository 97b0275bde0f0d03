//! Invitations by name, from both sides: one row in the group for each that has no answer, and one for whoever was told of it. The two are
//! not the same: somebody who is invited by a person whom they block is told of nothing.

use crate::engine::session::SHORT;
use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::{ConversationEvent, INVITATIONS_A_DAY, Ties, Told};
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

/// A part of those who are invited into each of `conversations` and can still answer, in the order of their ids.
pub fn invitations(conversations: Vec<Uuid>, range: &Range<Uuid>) -> Select<Listed<Invitation>> {
    let read = |row: &Row| Listed::read(row, "user_id", Invitation::read);
    Select::new(&INVITATIONS, read)
        .ordered(range.order)
        .with(conversations)
        .with(range.after)
        .with(range.before)
        .with(range.rows)
}

/// A part of the groups into which each of `users` is invited and can still come, in the order of their ids.
pub fn invited(users: Vec<Uuid>, range: &Range<Uuid>) -> Select<Listed<Invited>> {
    let read = |row: &Row| Listed::read(row, "conversation", Invited::read);
    Select::new(&INVITED, read)
        .ordered(range.order)
        .with(users)
        .with(range.after)
        .with(range.before)
        .with(range.rows)
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

/// Two ids by which a row is found.
type Key = (Uuid, Uuid);

/// The keys of what is gone at the end of a batch, each half by itself.
fn gone<T>(changes: &BTreeMap<Key, Option<T>>) -> (Vec<Uuid>, Vec<Uuid>) {
    let gone = changes.iter().filter(|(_, open)| open.is_none());
    gone.map(|(key, _)| *key).unzip()
}

/// What is there at the end of it.
fn open<T>(changes: &BTreeMap<Key, Option<T>>) -> Vec<(Key, &T)> {
    let open = changes
        .iter()
        .filter_map(|(key, open)| Some((*key, open.as_ref()?)));
    open.collect()
}

/// What a batch does to the invitations of groups.
#[derive(Default)]
pub(super) struct Invitations {
    /// By conversation and user: the one that is open at the end of it, if one is.
    open: BTreeMap<Key, Option<Invitation>>,
    /// By conversation, who invites and who is invited: when that was last.
    sent: BTreeMap<(Uuid, Uuid, Uuid), DateTime<Utc>>,
}

impl Invitations {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &ConversationEvent) {
        let (user, open) = match event {
            ConversationEvent::InvitationSent(sent) => {
                let invitation = Invitation {
                    user: sent.user.0,
                    by: sent.by.0,
                    at: fact.at(),
                    until: sent.until.time(),
                };
                self.sent
                    .insert((fact.stream(), sent.by.0, sent.user.0), fact.at());
                (sent.user, Some(invitation))
            }
            ConversationEvent::InvitationAccepted(accepted) => (accepted.user, None),
            ConversationEvent::InvitationDeclined(declined) => (declined.user, None),
            ConversationEvent::InvitationWithdrawn(withdrawn) => (withdrawn.user, None),
            _ => return,
        };
        self.open.insert((fact.stream(), user.0), open);
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let (conversations, users) = gone(&self.open);
        if !conversations.is_empty() {
            let sql = include_str!("invitation_gone.sql");
            run(transaction, schema, sql, &[&conversations, &users]).await?;
        }
        let open = open(&self.open);
        if !open.is_empty() {
            let conversations: Vec<Uuid> = open.iter().map(|((conversation, _), _)| *conversation).collect();
            let users: Vec<Uuid> = open.iter().map(|(_, open)| open.user).collect();
            let bys: Vec<Uuid> = open.iter().map(|(_, open)| open.by).collect();
            let ats: Vec<DateTime<Utc>> = open.iter().map(|(_, open)| open.at).collect();
            let ends: Vec<DateTime<Utc>> = open.iter().map(|(_, open)| open.until).collect();
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

/// What a batch tells people, by user and conversation: what stands at the end of it, if something does.
#[derive(Default)]
pub(super) struct Heard(BTreeMap<Key, Option<Invited>>);

impl Heard {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, told: &Told) {
        let (conversation, open) = match told {
            Told::Invited(invited) => {
                let open = Invited {
                    conversation: invited.conversation.0,
                    name: invited.name.as_str().to_owned(),
                    by: invited.by.0,
                    at: fact.at(),
                    until: invited.until.time(),
                };
                (invited.conversation, Some(open))
            }
            Told::InvitationEnded(ended) => (ended.conversation, None),
            _ => return,
        };
        self.0.insert((fact.stream(), conversation.0), open);
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let (users, conversations) = gone(&self.0);
        if !users.is_empty() {
            let sql = include_str!("invited_gone.sql");
            run(transaction, schema, sql, &[&users, &conversations]).await?;
        }
        let open = open(&self.0);
        if !open.is_empty() {
            let users: Vec<Uuid> = open.iter().map(|((user, _), _)| *user).collect();
            let conversations: Vec<Uuid> = open.iter().map(|(_, open)| open.conversation).collect();
            let names: Vec<&str> = open.iter().map(|(_, open)| open.name.as_str()).collect();
            let bys: Vec<Uuid> = open.iter().map(|(_, open)| open.by).collect();
            let ats: Vec<DateTime<Utc>> = open.iter().map(|(_, open)| open.at).collect();
            let ends: Vec<DateTime<Utc>> = open.iter().map(|(_, open)| open.until).collect();
            let sql = include_str!("invited.sql");
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&users, &conversations, &names, &bys, &ats, &ends];
            run(transaction, schema, sql, &values).await?;
        }
        Ok(())
    }
}
