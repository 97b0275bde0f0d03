//! How events change it.

use super::lexemes;
use super::segment::{self, Segment};
use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table, run};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, Event};
use tokio_postgres::Error;
use uuid::Uuid;

/// After so many messages others have their turn on the thread.
const MESSAGES_A_TURN: usize = 32;

/// The `search` projection. Every row belongs to one stream, so lanes never meet.
///
/// A recall wins: what was recalled has no row, so an edit that comes behind it changes nothing. All of a batch's recalls may be
/// written last.
pub(crate) struct Search;

#[async_trait]
impl Projection for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn schema(&self) -> &'static str {
        "p_search_2"
    }

    fn version(&self) -> i32 {
        2
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[
            Kind::MESSAGE_SENT,
            Kind::THREAD_REPLIED,
            Kind::THREAD_REPLIED_ALSO,
            Kind::MESSAGE_EDITED,
            Kind::MESSAGE_RECALLED,
        ])
    }

    fn ddl(&self) -> &'static str {
        include_str!("ddl.sql")
    }

    fn indexes(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [Table] {
        &[Table {
            name: "entry",
            key: &["conversation", "seq", "at"],
            stream: "conversation",
        }]
    }

    fn lags(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        for (i, fact) in facts.iter().enumerate() {
            batch.fold(fact);
            if i % MESSAGES_A_TURN == MESSAGES_A_TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        batch.write(transaction, schema).await
    }
}

/// What a batch of events changes.
#[derive(Default)]
struct Batch {
    segments: BTreeSet<Segment>,
    sent: Vec<(Uuid, i64, DateTime<Utc>, Uuid, String)>,
    /// By conversation and seq of the message, which is named, too: of several edits the last counts.
    edits: BTreeMap<(Uuid, i64), (Uuid, String)>,
    recalls: BTreeMap<(Uuid, i64), Uuid>,
}

impl Batch {
    fn fold(&mut self, fact: &Fact<'_>) {
        let (stream, actor) = (fact.stream(), fact.record.actor);
        match fact.event {
            Event::Conversation(ConversationEvent::MessageSent(sent)) => {
                self.segments.insert(Segment::of(fact.at()));
                let lexemes = lexemes::of(stream, actor, &sent.content);
                self.sent
                    .push((stream, fact.seq(), fact.at(), fact.record.command, lexemes));
            }
            // Only whoever sent a message edits it.
            Event::Conversation(ConversationEvent::MessageEdited(edited)) => {
                let lexemes = lexemes::of(stream, actor, &edited.content);
                self.edits
                    .insert((stream, edited.message_seq as i64), (edited.message, lexemes));
            }
            Event::Conversation(ConversationEvent::MessageRecalled(recalled)) => {
                self.recalls
                    .insert((stream, recalled.message_seq as i64), recalled.message);
            }
            _ => {}
        }
    }

    async fn write(self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if !self.sent.is_empty() {
            segment::make(transaction, schema, &self.segments).await?;
            let conversations: Vec<Uuid> = self.sent.iter().map(|sent| sent.0).collect();
            let seqs: Vec<i64> = self.sent.iter().map(|sent| sent.1).collect();
            let ats: Vec<DateTime<Utc>> = self.sent.iter().map(|sent| sent.2).collect();
            let messages: Vec<Uuid> = self.sent.iter().map(|sent| sent.3).collect();
            let lexemes: Vec<&str> = self.sent.iter().map(|sent| sent.4.as_str()).collect();
            run(
                transaction,
                schema,
                include_str!("entry.sql"),
                &[&conversations, &seqs, &ats, &messages, &lexemes],
            )
            .await?;
        }
        if !self.edits.is_empty() {
            let (conversations, seqs): (Vec<Uuid>, Vec<i64>) = self.edits.keys().copied().unzip();
            let (messages, lexemes): (Vec<Uuid>, Vec<String>) = self.edits.into_values().unzip();
            run(
                transaction,
                schema,
                include_str!("edit.sql"),
                &[&conversations, &seqs, &messages, &lexemes],
            )
            .await?;
        }
        if !self.recalls.is_empty() {
            let (conversations, seqs): (Vec<Uuid>, Vec<i64>) = self.recalls.keys().copied().unzip();
            let messages: Vec<Uuid> = self.recalls.into_values().collect();
            run(
                transaction,
                schema,
                include_str!("recall.sql"),
                &[&conversations, &seqs, &messages],
            )
            .await?;
        }
        Ok(())
    }
}
