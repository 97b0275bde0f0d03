//! How events change it.

use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table, run};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, Event, UserEvent};
use uuid::Uuid;

/// The `unread` projection. A reader's row is a maximum, so it does not matter in which order the reader's own lane and the
/// conversation's lane come to it.
pub(crate) struct Unread;

#[async_trait]
impl Projection for Unread {
    fn name(&self) -> &'static str {
        "unread"
    }

    fn schema(&self) -> &'static str {
        "p_unread"
    }

    fn version(&self) -> i32 {
        1
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[Kind::CURSORS_MOVED, Kind::MESSAGE_SENT, Kind::MEMBER_ADDED])
    }

    fn ddl(&self) -> &'static str {
        include_str!("ddl.sql")
    }

    fn tables(&self) -> &'static [Table] {
        &[
            Table {
                name: "reader",
                key: &["user_id", "conversation"],
            },
            Table {
                name: "mention",
                key: &["user_id", "conversation", "seq"],
            },
        ]
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), tokio_postgres::Error> {
        let mut changes = Changes::default();
        for fact in facts {
            changes.fold(fact);
        }
        changes.write(transaction, schema).await
    }
}

/// What a batch changes, by key.
#[derive(Default)]
struct Changes {
    read: BTreeMap<(Uuid, Uuid), (i64, i64)>,
    mentions: BTreeMap<(Uuid, Uuid, i64), i64>,
}

impl Changes {
    fn fold(&mut self, fact: &Fact<'_>) {
        match fact.event {
            Event::User(UserEvent::CursorsMoved(moved)) => {
                for (conversation, cursor) in &moved.read {
                    self.read_to(
                        fact.stream(),
                        conversation.0,
                        cursor.seq as i64,
                        cursor.msg_no as i64,
                    );
                }
            }
            Event::Conversation(ConversationEvent::MessageSent(sent)) => {
                let sender = fact.record.actor;
                self.read_to(sender, fact.stream(), fact.seq(), fact.msg_no());
                for user in sent.mentions.iter().filter(|user| user.0 != sender) {
                    self.mentions
                        .insert((user.0, fact.stream(), fact.seq()), fact.msg_no());
                }
            }
            // What was said before is not unread to somebody new.
            Event::Conversation(ConversationEvent::MemberAdded(added)) => {
                self.read_to(added.user.0, fact.stream(), fact.seq(), fact.msg_no());
            }
            Event::Conversation(
                ConversationEvent::DirectOpened(_)
                | ConversationEvent::GroupCreated(_)
                | ConversationEvent::MemberRemoved(_)
                | ConversationEvent::MemberLeft(_)
                | ConversationEvent::GroupRenamed(_)
                | ConversationEvent::RoleChanged(_)
                | ConversationEvent::MessageEdited(_)
                | ConversationEvent::MessageRecalled(_)
                | ConversationEvent::ReactionChanged(_),
            )
            | Event::User(UserEvent::Registered(_) | UserEvent::InboxExpired(_)) => {}
        }
    }

    fn read_to(&mut self, user: Uuid, conversation: Uuid, seq: i64, msg_no: i64) {
        let cursor = self.read.entry((user, conversation)).or_default();
        *cursor = (cursor.0.max(seq), cursor.1.max(msg_no));
    }

    async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), tokio_postgres::Error> {
        if !self.read.is_empty() {
            let users: Vec<Uuid> = self.read.keys().map(|(user, _)| *user).collect();
            let conversations: Vec<Uuid> = self.read.keys().map(|(_, conversation)| *conversation).collect();
            let seqs: Vec<i64> = self.read.values().map(|(seq, _)| *seq).collect();
            let msg_nos: Vec<i64> = self.read.values().map(|(_, msg_no)| *msg_no).collect();
            let sql = include_str!("read.sql");
            run(
                transaction,
                schema,
                sql,
                &[&users, &conversations, &seqs, &msg_nos],
            )
            .await?;
        }
        if !self.mentions.is_empty() {
            let users: Vec<Uuid> = self.mentions.keys().map(|(user, ..)| *user).collect();
            let conversations: Vec<Uuid> = self
                .mentions
                .keys()
                .map(|(_, conversation, _)| *conversation)
                .collect();
            let seqs: Vec<i64> = self.mentions.keys().map(|(.., seq)| *seq).collect();
            let msg_nos: Vec<i64> = self.mentions.values().copied().collect();
            let sql = include_str!("mention.sql");
            run(
                transaction,
                schema,
                sql,
                &[&users, &conversations, &seqs, &msg_nos],
            )
            .await?;
        }
        Ok(())
    }
}
