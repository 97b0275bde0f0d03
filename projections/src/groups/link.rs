//! Invite links: one row for each that nobody has revoked.

use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::ConversationEvent;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static LINKS: Sql = Sql::new(include_str!("links.sql"));

/// A link by which people come into a group, if it is neither over nor used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub link: Uuid,
    pub by: Uuid,
    pub at: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// How often it may be used in all, where that is counted.
    pub uses: Option<i64>,
    pub used: i64,
}

/// A part of the links of each of `conversations`, in the order of their ids.
pub fn links(conversations: Vec<Uuid>, range: &Range<Uuid>) -> Select<Listed<Link>> {
    let read = |row: &Row| Listed::read(row, "link", Link::read);
    Select::new(&LINKS, read).with(conversations).within(range)
}

impl Link {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            link: row.try_get("link")?,
            by: row.try_get("by_user")?,
            at: row.try_get("at")?,
            until: row.try_get("until")?,
            uses: row.try_get("uses")?,
            used: row.try_get("used")?,
        })
    }
}

/// What a batch does to a link.
#[derive(Default)]
struct Change {
    created: Option<Link>,
    used: i64,
    revoked: bool,
}

/// By conversation and link. None comes back once it is revoked.
#[derive(Default)]
pub(super) struct Links(BTreeMap<(Uuid, Uuid), Change>);

impl Links {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &ConversationEvent) {
        match event {
            ConversationEvent::LinkCreated(created) => {
                self.change(fact, created.link).created = Some(Link {
                    link: created.link,
                    by: created.by.0,
                    at: fact.at(),
                    until: created.until.time(),
                    uses: created.uses.map(i64::from),
                    used: 0,
                });
            }
            ConversationEvent::LinkRevoked(revoked) => self.change(fact, revoked.link).revoked = true,
            ConversationEvent::MemberAdded(added) => {
                if let Some(link) = added.link {
                    self.change(fact, link).used += 1;
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, fact: &Fact<'_>, link: Uuid) -> &mut Change {
        self.0.entry((fact.stream(), link)).or_default()
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let (mut come, mut used, mut gone) = (vec![], vec![], vec![]);
        for ((conversation, link), change) in &self.0 {
            match change {
                Change { revoked: true, .. } => gone.push((*conversation, *link)),
                Change {
                    created: Some(created),
                    used,
                    ..
                } => come.push((*conversation, created, *used)),
                Change { used: times, .. } => used.push((*conversation, *link, *times)),
            }
        }
        if !come.is_empty() {
            let conversations: Vec<Uuid> = come.iter().map(|(conversation, ..)| *conversation).collect();
            let links: Vec<Uuid> = come.iter().map(|(_, link, _)| link.link).collect();
            let bys: Vec<Uuid> = come.iter().map(|(_, link, _)| link.by).collect();
            let ats: Vec<DateTime<Utc>> = come.iter().map(|(_, link, _)| link.at).collect();
            let ends: Vec<DateTime<Utc>> = come.iter().map(|(_, link, _)| link.until).collect();
            let uses: Vec<Option<i64>> = come.iter().map(|(_, link, _)| link.uses).collect();
            let used: Vec<i64> = come.iter().map(|(.., used)| *used).collect();
            let sql = include_str!("link.sql");
            run(
                transaction,
                schema,
                sql,
                &[&conversations, &links, &bys, &ats, &ends, &uses, &used],
            )
            .await?;
        }
        if !used.is_empty() {
            let conversations: Vec<Uuid> = used.iter().map(|(conversation, ..)| *conversation).collect();
            let links: Vec<Uuid> = used.iter().map(|(_, link, _)| *link).collect();
            let times: Vec<i64> = used.iter().map(|(.., times)| *times).collect();
            let sql = include_str!("link_used.sql");
            run(transaction, schema, sql, &[&conversations, &links, &times]).await?;
        }
        if !gone.is_empty() {
            let (conversations, links): (Vec<Uuid>, Vec<Uuid>) = gone.into_iter().unzip();
            let sql = include_str!("link_gone.sql");
            run(transaction, schema, sql, &[&conversations, &links]).await?;
        }
        Ok(())
    }
}
