//! How events change it.

use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table, run};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::fmt::Write;
use tidings_domain::stored::Kind;
use tidings_domain::{Content, ConversationEvent, Event, UserId};
use uuid::Uuid;

/// The `history` projection. Every row belongs to one stream, so lanes never meet.
pub(crate) struct History;

#[async_trait]
impl Projection for History {
    fn name(&self) -> &'static str {
        "history"
    }

    fn schema(&self) -> &'static str {
        "p_history"
    }

    fn version(&self) -> i32 {
        1
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[Kind::MESSAGE_SENT])
    }

    fn ddl(&self) -> &'static str {
        include_str!("ddl.sql")
    }

    fn tables(&self) -> &'static [Table] {
        &[Table {
            name: "message",
            key: &["conversation", "seq"],
        }]
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), tokio_postgres::Error> {
        let mut sent = Sent::default();
        for fact in facts {
            sent.fold(fact);
        }
        if sent.conversations.is_empty() {
            return Ok(());
        }
        run(
            transaction,
            schema,
            include_str!("send.sql"),
            &[
                &sent.conversations,
                &sent.seqs,
                &sent.messages,
                &sent.msg_nos,
                &sent.senders,
                &sent.ats,
                &sent.kinds,
                &sent.texts,
                &sent.attachments,
                &sent.replies,
                &sent.mentions,
            ],
        )
        .await?;
        Ok(())
    }
}

/// The messages of a batch, as columns.
#[derive(Default)]
struct Sent<'a> {
    conversations: Vec<Uuid>,
    seqs: Vec<i64>,
    messages: Vec<Uuid>,
    msg_nos: Vec<i64>,
    senders: Vec<Uuid>,
    ats: Vec<DateTime<Utc>>,
    kinds: Vec<&'static str>,
    texts: Vec<Option<&'a str>>,
    attachments: Vec<Option<Uuid>>,
    replies: Vec<Option<Uuid>>,
    mentions: Vec<String>,
}

impl<'a> Sent<'a> {
    fn fold(&mut self, fact: &Fact<'a>) {
        let Event::Conversation(ConversationEvent::MessageSent(sent)) = fact.event else {
            return;
        };
        let (kind, text, attachment) = match &sent.content {
            Content::Text { text } => ("text", Some(text), None),
            Content::Image { attachment, caption } => ("image", caption.as_ref(), Some(*attachment)),
            Content::File { attachment, caption } => ("file", caption.as_ref(), Some(*attachment)),
        };
        self.conversations.push(fact.stream());
        self.seqs.push(fact.seq());
        self.messages.push(fact.record.command);
        self.msg_nos.push(fact.msg_no());
        self.senders.push(fact.record.actor);
        self.ats.push(fact.at());
        self.kinds.push(kind);
        self.texts.push(text.map(tidings_domain::MessageText::as_str));
        self.attachments.push(attachment);
        self.replies.push(sent.reply_to);
        self.mentions.push(array_literal(&sent.mentions));
    }
}

/// Ids in PostgreSQL's text form of an array.
fn array_literal(users: &[UserId]) -> String {
    let mut literal = String::from("{");
    for (i, user) in users.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(literal, "{comma}{user}").expect("writing to a string cannot fail");
    }
    literal.push('}');
    literal
}
