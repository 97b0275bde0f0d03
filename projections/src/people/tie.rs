//! What people are to one another, as each of the two sees it: contacts, requests on either side, and blocks.

use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::PairChanged;
use tidings_domain::pair::block::BLOCKS_MAX;
use tidings_domain::{CONTACTS_MAX, Change, Greeting, REQUESTS_A_DAY, REQUESTS_MAX, Regard, Ties};
use tidings_eventlog::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static TIES: Sql = Sql::new(include_str!("ties.sql"));
static COUNTS: Sql = Sql::new(include_str!("tie_counts.sql"));
static REGARDS: Sql = Sql::new(include_str!("regards.sql"));

/// What somebody is to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TieKind {
    Contact,
    /// The user waits for them.
    Sent,
    /// They wait for the user, who has been told.
    Received,
    /// The user blocks them.
    Blocked,
    /// The user has asked them at some time.
    Asked,
}

impl TieKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Blocked => "blocked",
            Self::Asked => "asked",
        }
    }
}

/// Somebody whom a user has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    pub user: Uuid,
    /// Since when.
    pub at: DateTime<Utc>,
    /// What goes with a request.
    pub text: Option<String>,
}

/// A part of those whom each of `users` has to do with in one way, in the order of their ids. Requests of people whom they block are left out.
pub fn ties_of(users: Vec<Uuid>, kind: TieKind, range: &Range<Uuid>) -> Select<Listed<Tie>> {
    let read = |row: &Row| Listed::read(row, "other_id", Tie::read);
    Select::new(&TIES, read)
        .with(users)
        .with(kind.as_str())
        .within(range)
}

/// What `actor` is to each of `users`, and what these want. It may be less than the log says.
pub async fn regards(
    pool: &Pool,
    actor: Uuid,
    users: &[Uuid],
) -> Result<Vec<(Uuid, Regard)>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&REGARDS.text(client.home())).await?;
        let rows = client.query(&statement, &[&actor, &users]).await?;
        let regard = |row: &Row| {
            let regard = Regard {
                settings: super::setting::read(row)?,
                is_contact: row.try_get("is_contact")?,
                is_blocked: row.try_get("is_blocked")?,
                blocks: row.try_get("blocks")?,
                ties: Ties::default(),
            };
            Ok((row.try_get("user_id")?, regard))
        };
        rows.iter()
            .map(regard)
            .collect::<Result<Vec<_>, ProjectionError>>()
    };
    within(pool.timeout(), reading).await
}

/// How many people `user` has to do with, and whom they have asked since a moment a day ago; each counted as far as it may go.
pub async fn ties(pool: &Pool, user: Uuid, since: DateTime<Utc>) -> Result<Ties, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&COUNTS.text(client.home())).await?;
        let most = [CONTACTS_MAX, REQUESTS_MAX, REQUESTS_A_DAY, BLOCKS_MAX].map(i64::from);
        let row = client
            .query_one(
                &statement,
                &[&user, &since, &most[0], &most[1], &most[2], &most[3]],
            )
            .await?;
        let count = |column: &str| {
            let count: i64 = row.try_get(column)?;
            Ok::<_, ProjectionError>(u32::try_from(count).unwrap_or(u32::MAX))
        };
        let first: Option<DateTime<Utc>> = row.try_get("first")?;
        Ok::<_, ProjectionError>(Ties {
            contacts: count("contacts")?,
            requests: count("requests")?,
            today: count("today")?,
            invitations: 0,
            free_at: first.map(|first| first + TimeDelta::days(1)),
            blocks: count("blocks")?,
        })
    };
    within(pool.timeout(), reading).await
}

impl Tie {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            user: row.try_get("other_id")?,
            at: row.try_get("at")?,
            text: row.try_get("text")?,
        })
    }
}

/// What a tie is at the end of a batch, if it is there.
struct Standing<'a> {
    pair: Uuid,
    at: DateTime<Utc>,
    text: Option<&'a str>,
}

/// What a batch changes, by user, kind and the other one.
#[derive(Default)]
pub(super) struct Changes<'a>(BTreeMap<(Uuid, &'static str, Uuid), Option<Standing<'a>>>);

impl<'a> Changes<'a> {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, changed: &'a PairChanged) {
        let (by, user) = (changed.by.0, changed.user.0);
        let sides = || changed.sides().map(|(one, other)| (one.0, other.0));
        match &changed.change {
            Change::Requested { text } => {
                let text = text.as_ref().map(Greeting::as_str);
                self.set(fact, (by, TieKind::Sent, user), text);
                self.set(fact, (by, TieKind::Asked, user), None);
                if changed.heard {
                    self.set(fact, (user, TieKind::Received, by), text);
                }
            }
            Change::Accepted => {
                for (one, other) in sides() {
                    self.end((one, TieKind::Sent, other));
                    self.end((one, TieKind::Received, other));
                    self.set(fact, (one, TieKind::Contact, other), None);
                }
            }
            Change::Declined { .. } => self.end((by, TieKind::Received, user)),
            Change::Withdrawn => {
                self.end((by, TieKind::Sent, user));
                self.end((user, TieKind::Received, by));
            }
            Change::Removed => {
                for (one, other) in sides() {
                    self.end((one, TieKind::Contact, other));
                }
            }
            Change::Blocked { on: true } => self.set(fact, (by, TieKind::Blocked, user), None),
            Change::Blocked { on: false } => self.end((by, TieKind::Blocked, user)),
        }
    }

    fn set(&mut self, fact: &Fact<'_>, (user, kind, other): (Uuid, TieKind, Uuid), text: Option<&'a str>) {
        let row = Standing {
            pair: fact.stream(),
            at: fact.at(),
            text,
        };
        self.0.insert((user, kind.as_str(), other), Some(row));
    }

    fn end(&mut self, (user, kind, other): (Uuid, TieKind, Uuid)) {
        self.0.insert((user, kind.as_str(), other), None);
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let gone = self.0.iter().filter(|(_, row)| row.is_none());
        let gone: Vec<_> = gone.map(|(key, _)| *key).collect();
        if !gone.is_empty() {
            let users: Vec<Uuid> = gone.iter().map(|(user, ..)| *user).collect();
            let kinds: Vec<&str> = gone.iter().map(|(_, kind, _)| *kind).collect();
            let others: Vec<Uuid> = gone.iter().map(|(.., other)| *other).collect();
            let sql = include_str!("tie_gone.sql");
            run(transaction, schema, sql, &[&users, &kinds, &others]).await?;
        }
        let there = self.0.iter().filter_map(|(key, row)| Some((*key, row.as_ref()?)));
        let there: Vec<_> = there.collect();
        if !there.is_empty() {
            let users: Vec<Uuid> = there.iter().map(|((user, ..), _)| *user).collect();
            let kinds: Vec<&str> = there.iter().map(|((_, kind, _), _)| *kind).collect();
            let others: Vec<Uuid> = there.iter().map(|((.., other), _)| *other).collect();
            let pairs: Vec<Uuid> = there.iter().map(|(_, row)| row.pair).collect();
            let ats: Vec<DateTime<Utc>> = there.iter().map(|(_, row)| row.at).collect();
            let texts: Vec<Option<&str>> = there.iter().map(|(_, row)| row.text).collect();
            let sql = include_str!("tie.sql");
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&users, &kinds, &others, &pairs, &ats, &texts];
            run(transaction, schema, sql, &values).await?;
        }
        Ok(())
    }
}
