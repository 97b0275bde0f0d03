//! Those who ask to be let in: one row for each who has no answer yet.

use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::{ConversationEvent, JOIN_REQUEST_SECONDS};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static REQUESTS: Sql = Sql::new(include_str!("requests.sql"));

/// Somebody who asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    pub user: Uuid,
    pub at: DateTime<Utc>,
}

/// A part of those who ask to be let in and whose time is not over, of each of `conversations`, in the order of their ids.
pub fn requests(conversations: Vec<Uuid>, range: &Range<Uuid>) -> Select<Listed<JoinRequest>> {
    let read = |row: &Row| Listed::read(row, "user_id", JoinRequest::read);
    Select::new(&REQUESTS, read)
        .with(conversations)
        .within(range)
        .with(i64::from(JOIN_REQUEST_SECONDS))
}

impl JoinRequest {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            user: row.try_get("user_id")?,
            at: row.try_get("at")?,
        })
    }
}

/// What a batch does, by conversation and user: since when they wait at the end of it, if they do.
#[derive(Default)]
pub(super) struct Requests(BTreeMap<(Uuid, Uuid), Option<DateTime<Utc>>>);

impl Requests {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &ConversationEvent) {
        let (user, waits) = match event {
            ConversationEvent::JoinRequested(requested) => (requested.user, true),
            ConversationEvent::JoinRefused(refused) => (refused.user, false),
            ConversationEvent::MemberAdded(added) => (added.user, false),
            ConversationEvent::MemberBanned(banned) => (banned.user, false),
            _ => return,
        };
        self.0.insert((fact.stream(), user.0), waits.then(|| fact.at()));
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let gone = self.0.iter().filter(|(_, waits)| waits.is_none());
        let (conversations, users): (Vec<Uuid>, Vec<Uuid>) = gone.map(|(key, _)| *key).unzip();
        if !conversations.is_empty() {
            let sql = include_str!("request_gone.sql");
            run(transaction, schema, sql, &[&conversations, &users]).await?;
        }
        let (mut conversations, mut users, mut ats) = (vec![], vec![], vec![]);
        for ((conversation, user), waits) in &self.0 {
            if let Some(at) = waits {
                conversations.push(*conversation);
                users.push(*user);
                ats.push(*at);
            }
        }
        if !conversations.is_empty() {
            let sql = include_str!("request.sql");
            run(transaction, schema, sql, &[&conversations, &users, &ats]).await?;
        }
        Ok(())
    }
}
