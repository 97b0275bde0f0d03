//! How events change it.

use crate::fact::Fact;
use crate::history::edit::Edits;
use crate::history::message::Sent;
use crate::history::pin::Pins;
use crate::history::reaction::Reactions;
use crate::history::recall::Recalls;
use crate::history::thread::Replies;
use crate::projection::{Folds, Projection, Table};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, Event};

/// The `history` projection. Every row belongs to one stream, so lanes never meet.
///
/// A recall wins: an edit or a reaction that comes behind it changes nothing. So all of a batch's recalls may be written last.
pub(crate) struct History;

#[async_trait]
impl Projection for History {
    fn name(&self) -> &'static str {
        "history"
    }

    fn schema(&self) -> &'static str {
        "p_history_4"
    }

    fn version(&self) -> i32 {
        4
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[
            Kind::MESSAGE_SENT,
            Kind::THREAD_REPLIED,
            Kind::THREAD_REPLIED_ALSO,
            Kind::MESSAGE_EDITED,
            Kind::MESSAGE_RECALLED,
            Kind::REACTION_CHANGED,
            Kind::PIN_CHANGED,
        ])
    }

    fn ddl(&self) -> &'static str {
        include_str!("ddl.sql")
    }

    fn indexes(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [Table] {
        &[
            Table {
                name: "message",
                key: &["conversation", "seq", "main"],
                stream: "conversation",
            },
            Table {
                name: "edit",
                key: &["conversation", "message_seq", "seq"],
                stream: "conversation",
            },
            Table {
                name: "reaction",
                key: &["conversation", "message_seq", "emoji", "user_id"],
                stream: "conversation",
            },
            Table {
                name: "pin",
                key: &["conversation", "message_seq"],
                stream: "conversation",
            },
            Table {
                name: "reply",
                key: &["conversation", "root", "seq"],
                stream: "conversation",
            },
            Table {
                name: "thread",
                key: &["conversation", "root"],
                stream: "conversation",
            },
        ]
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), tokio_postgres::Error> {
        let (mut sent, mut replies, mut edits) = (Sent::default(), Replies::default(), Edits::default());
        let (mut reactions, mut pins, mut recalls) =
            (Reactions::default(), Pins::default(), Recalls::default());
        for fact in facts {
            match fact.event {
                Event::Conversation(ConversationEvent::MessageSent(message)) => {
                    sent.fold(fact, message);
                    replies.fold(fact, message);
                }
                Event::Conversation(ConversationEvent::MessageEdited(edited)) => edits.fold(fact, edited),
                Event::Conversation(ConversationEvent::MessageRecalled(recalled)) => {
                    recalls.fold(fact, recalled);
                }
                Event::Conversation(ConversationEvent::ReactionChanged(changed)) => {
                    reactions.fold(fact, changed);
                }
                Event::Conversation(ConversationEvent::PinChanged(changed)) => pins.fold(fact, changed),
                _ => {}
            }
        }
        sent.write(transaction, schema).await?;
        replies.write(transaction, schema).await?;
        edits.write(transaction, schema).await?;
        reactions.write(transaction, schema).await?;
        pins.write(transaction, schema).await?;
        recalls.write(transaction, schema).await
    }
}
