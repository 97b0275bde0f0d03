//! How events change it.

use super::{hiding, mark, thread, withholding};
use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table, run};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, Event, Membership, UserEvent};
use uuid::Uuid;

/// The `unread` projection. Every row belongs to one stream, so lanes never meet.
pub(crate) struct Unread;

#[async_trait]
impl Projection for Unread {
    fn name(&self) -> &'static str {
        "unread"
    }

    fn schema(&self) -> &'static str {
        "p_unread_6"
    }

    fn version(&self) -> i32 {
        6
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[
            Kind::CURSORS_MOVED,
            Kind::MESSAGE_SENT,
            Kind::THREAD_REPLIED,
            Kind::THREAD_REPLIED_ALSO,
            Kind::MESSAGE_RECALLED,
            Kind::MESSAGE_WITHHELD,
            Kind::MEMBER_ADDED,
            Kind::THREAD_FOLLOWED,
            Kind::THREAD_READ,
            Kind::CONVERSATION_MUTED,
            Kind::CONVERSATION_ARCHIVED,
            Kind::CONVERSATION_MARKED,
            Kind::MESSAGES_HIDDEN,
            Kind::CONVERSATION_CLEARED,
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
                name: "read_position",
                key: &["user_id", "conversation"],
                stream: "user_id",
            },
            Table {
                name: "own_position",
                key: &["user_id", "conversation"],
                stream: "conversation",
            },
            Table {
                name: "mention",
                key: &["user_id", "conversation", "seq"],
                stream: "conversation",
            },
            Table {
                name: "everyone",
                key: &["conversation", "seq"],
                stream: "conversation",
            },
            Table {
                name: "void",
                key: &["conversation", "seq"],
                stream: "conversation",
            },
            Table {
                name: "thread_part",
                key: &["user_id", "conversation", "thread"],
                stream: "conversation",
            },
            Table {
                name: "thread_read",
                key: &["user_id", "conversation", "thread"],
                stream: "user_id",
            },
            Table {
                name: "thread_follow",
                key: &["user_id", "conversation", "thread"],
                stream: "user_id",
            },
            Table {
                name: "muted",
                key: &["user_id", "conversation"],
                stream: "user_id",
            },
            Table {
                name: "muting",
                key: &["user_id", "conversation", "no"],
                stream: "user_id",
            },
            Table {
                name: "archived",
                key: &["user_id", "conversation"],
                stream: "user_id",
            },
            Table {
                name: "marked",
                key: &["user_id", "conversation"],
                stream: "user_id",
            },
            Table {
                name: "hidden",
                key: &["user_id", "conversation", "seq"],
                stream: "user_id",
            },
            Table {
                name: "cleared",
                key: &["user_id", "conversation"],
                stream: "user_id",
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

/// By user and conversation: a seq, and the msg_no there.
type Positions = BTreeMap<(Uuid, Uuid), (i64, i64)>;

/// The msg_no of a message, its thread, and whether the main timeline shows it.
type Mentioning = (i64, Option<Uuid>, bool);

/// Who mentions everybody, in which thread, and whether the main timeline shows it.
type Calling = (Uuid, Option<Uuid>, bool);

/// What a batch changes, by key.
#[derive(Default)]
struct Changes {
    read: Positions,
    /// Where somebody's own message, or their joining, has brought them.
    own: Positions,
    /// By user, conversation and seq of the message.
    mentions: BTreeMap<(Uuid, Uuid, i64), Mentioning>,
    /// Messages that mention everybody, by conversation and seq.
    everyone: BTreeMap<(Uuid, i64), Calling>,
    voids: withholding::Changes,
    threads: thread::Changes,
    marks: mark::Changes,
    hiding: hiding::Changes,
}

impl Changes {
    fn fold(&mut self, fact: &Fact<'_>) {
        let here = (fact.seq(), fact.msg_no());
        match fact.event {
            Event::User(UserEvent::CursorsMoved(moved)) => {
                for (conversation, cursor) in &moved.read {
                    let position = self.read.entry((fact.stream(), conversation.0)).or_default();
                    position.0 = position.0.max(cursor.seq as i64);
                    position.1 = position.1.max(cursor.msg_no as i64);
                }
            }
            Event::Conversation(ConversationEvent::MessageSent(sent)) => {
                let sender = fact.record.actor;
                if sent.line().is_main() {
                    self.own.insert((sender, fact.stream()), here);
                }
                self.threads.reply(fact, sent);
                for user in sent.mentions.iter().filter(|user| user.0 != sender) {
                    let place = (fact.msg_no(), sent.thread, sent.line().is_main());
                    self.mentions.insert((user.0, fact.stream(), fact.seq()), place);
                }
                if sent.everyone {
                    let place = (sender, sent.thread, sent.line().is_main());
                    self.everyone.insert((fact.stream(), fact.seq()), place);
                }
            }
            Event::Conversation(ConversationEvent::MessageRecalled(recalled)) => {
                self.voids.recall(fact, recalled);
            }
            Event::Conversation(ConversationEvent::MessageWithheld(changed)) => {
                self.voids.withhold(fact, changed);
            }
            // What was said before is not unread to somebody new.
            Event::Conversation(event) => {
                if let Membership::Joined(joined) = event.membership() {
                    for (user, _) in joined.iter() {
                        self.own.insert((user.0, fact.stream()), here);
                    }
                }
            }
            Event::User(event) => {
                self.marks.fold(fact, event);
                self.hiding.fold(fact, event);
                self.threads.fold(fact, event);
            }
            Event::Pair(_) | Event::Report(_) | Event::Administration(_) | Event::Announcement(_) => {}
        }
    }

    async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), tokio_postgres::Error> {
        for (positions, sql) in [
            (&self.read, include_str!("read_position.sql")),
            (&self.own, include_str!("own_position.sql")),
        ] {
            if positions.is_empty() {
                continue;
            }
            let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = positions.keys().copied().unzip();
            let (seqs, msg_nos): (Vec<i64>, Vec<i64>) = positions.values().copied().unzip();
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
            let places = || self.mentions.values();
            let msg_nos: Vec<i64> = places().map(|(msg_no, ..)| *msg_no).collect();
            let threads: Vec<Option<Uuid>> = places().map(|(_, thread, _)| *thread).collect();
            let mains: Vec<bool> = places().map(|(.., main)| *main).collect();
            let sql = include_str!("mention.sql");
            run(
                transaction,
                schema,
                sql,
                &[&users, &conversations, &seqs, &msg_nos, &threads, &mains],
            )
            .await?;
        }
        if !self.everyone.is_empty() {
            let (conversations, seqs): (Vec<Uuid>, Vec<i64>) = self.everyone.keys().copied().unzip();
            let calls = || self.everyone.values();
            let senders: Vec<Uuid> = calls().map(|(sender, ..)| *sender).collect();
            let threads: Vec<Option<Uuid>> = calls().map(|(_, thread, _)| *thread).collect();
            let mains: Vec<bool> = calls().map(|(.., main)| *main).collect();
            let sql = include_str!("everyone.sql");
            run(
                transaction,
                schema,
                sql,
                &[&conversations, &seqs, &senders, &threads, &mains],
            )
            .await?;
        }
        self.voids.write(transaction, schema).await?;
        self.hiding.write(transaction, schema).await?;
        self.threads.write(transaction, schema).await?;
        self.marks.write(transaction, schema).await
    }
}
