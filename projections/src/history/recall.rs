//! Recalls: what a message held is gone, and its place stays.

use crate::fact::Fact;
use crate::projection::run;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::MessageRecalled;
use tokio_postgres::Error;
use uuid::Uuid;

/// The recalls of a batch by conversation and seq of the message. The first one counts.
#[derive(Default)]
pub(super) struct Recalls(BTreeMap<(Uuid, i64), (Uuid, DateTime<Utc>)>);

impl Recalls {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, recalled: &MessageRecalled) {
        self.0
            .entry((fact.stream(), recalled.message_seq as i64))
            .or_insert((recalled.message, fact.at()));
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let conversations: Vec<Uuid> = self.0.keys().map(|(conversation, _)| *conversation).collect();
        let seqs: Vec<i64> = self.0.keys().map(|(_, seq)| *seq).collect();
        let messages: Vec<Uuid> = self.0.values().map(|(message, _)| *message).collect();
        let ats: Vec<DateTime<Utc>> = self.0.values().map(|(_, at)| *at).collect();
        run(
            transaction,
            schema,
            include_str!("recall.sql"),
            &[&conversations, &seqs, &messages, &ats],
        )
        .await?;
        Ok(())
    }
}
