//! Edits: every version of a message is kept.

use super::message::parts;
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_domain::event::MessageEdited;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A version of an edited message.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The seq of the event that it came with: the sending, for the first.
    pub seq: i64,
    pub at: DateTime<Utc>,
    /// The text or the caption.
    // Shared, because a message may be asked for by many names at once.
    pub text: Option<Arc<str>>,
}

static PAGES: Sql = Sql::new(include_str!("edits.sql"));

/// A part of the versions of each message, oldest first: none of one that was never edited, or that was recalled. A message is
/// named by its conversation and its seq, at the same place of both lists.
pub fn edits(conversations: Vec<Uuid>, seqs: Vec<i64>, range: &Range<i64>) -> Select<Listed<Edit>> {
    let read = |row: &Row| Listed::read(row, "conversation", Edit::read);
    Select::new(&PAGES, read)
        .with(conversations)
        .with(seqs)
        .within(range)
}

impl Edit {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            seq: row.try_get("seq")?,
            at: row.try_get("at")?,
            text: row.try_get::<_, Option<&str>>("text")?.map(Arc::from),
        })
    }
}

/// The edits of a batch by conversation, seq of the message and seq of the edit.
#[derive(Default)]
pub(super) struct Edits<'a>(BTreeMap<(Uuid, i64, i64), Edited<'a>>);

struct Edited<'a> {
    message: Uuid,
    at: DateTime<Utc>,
    text: Option<&'a str>,
}

impl<'a> Edits<'a> {
    pub(super) fn fold(&mut self, fact: &Fact<'a>, edited: &'a MessageEdited) {
        let (_, text, _) = parts(&edited.content);
        self.0.insert(
            (fact.stream(), edited.message_seq as i64, fact.seq()),
            Edited {
                message: edited.message,
                at: fact.at(),
                text,
            },
        );
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let conversations: Vec<Uuid> = self.0.keys().map(|(conversation, ..)| *conversation).collect();
        let message_seqs: Vec<i64> = self.0.keys().map(|(_, message_seq, _)| *message_seq).collect();
        let seqs: Vec<i64> = self.0.keys().map(|(.., seq)| *seq).collect();
        let messages: Vec<Uuid> = self.0.values().map(|edited| edited.message).collect();
        let ats: Vec<DateTime<Utc>> = self.0.values().map(|edited| edited.at).collect();
        let texts: Vec<Option<&str>> = self.0.values().map(|edited| edited.text).collect();
        // The versions first: the first of them is the text that the message still has.
        for sql in [include_str!("edit.sql"), include_str!("edit_text.sql")] {
            run(
                transaction,
                schema,
                sql,
                &[&conversations, &message_seqs, &messages, &seqs, &ats, &texts],
            )
            .await?;
        }
        Ok(())
    }
}
