//! How events change it.

use crate::fact::Fact;
use crate::history::edit::Edits;
use crate::history::message::Sent;
use crate::history::pin::Pins;
use crate::history::reaction::Reactions;
use crate::history::recall::Recalls;
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
        "p_history_3"
    }

    fn version(&self) -> i32 {
        3
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[
            Kind::MESSAGE_SENT,
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
                key: &["conversation", "seq"],
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
        ]
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), tokio_postgres::Error> {
        let (mut sent, mut edits) = (Sent::default(), Edits::default());
        let (mut reactions, mut pins, mut recalls) =
            (Reactions::default(), Pins::default(), Recalls::default());
        for fact in facts {
            match fact.event {
                Event::Conversation(ConversationEvent::MessageSent(message)) => sent.fold(fact, message),
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
        edits.write(transaction, schema).await?;
        reactions.write(transaction, schema).await?;
        pins.write(transaction, schema).await?;
        recalls.write(transaction, schema).await
    }
}
