//! How far each member has been sent each conversation, and what expired before it was.

use crate::fact::Fact;
use crate::projection::{Projection, Table, run};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::{ConversationEvent, Cursor, Event, UserEvent};
use uuid::Uuid;

/// The `inbox` projection. User lanes and conversation lanes move different columns of a row, so it does not matter in which
/// order they come to it.
pub(crate) struct Inbox;

#[async_trait]
impl Projection for Inbox {
    fn name(&self) -> &'static str {
        "inbox"
    }

    fn version(&self) -> i32 {
        1
    }

    fn ddl(&self) -> &'static str {
        include_str!("inbox/ddl.sql")
    }

    fn tables(&self) -> &'static [Table] {
        &[Table {
            name: "cursor",
            key: &["user_id", "conversation"],
        }]
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), tokio_postgres::Error> {
        let mut rounds = Rounds::default();
        for fact in facts {
            rounds.fold(fact);
        }
        rounds.write(transaction, schema).await
    }
}

/// What a batch changes. A round holds at most one move per row; deliveries and expiries of one row that must keep their
/// order are in rounds that follow one another. Nearly always there is one round.
#[derive(Default)]
struct Rounds(Vec<BTreeMap<(Uuid, Uuid), Move>>);

#[derive(Clone, Copy, Default)]
struct Move {
    sent: (i64, i64),
    joined: (i64, i64),
    expiry: bool,
}

impl Rounds {
    fn fold(&mut self, fact: &Fact<'_>) {
        match fact.event {
            Event::User(UserEvent::CursorsMoved(moved)) => {
                for (conversation, cursor) in &moved.delivered {
                    self.send((fact.stream(), conversation.0), *cursor, false);
                }
            }
            Event::User(UserEvent::InboxExpired(expired)) => {
                for (conversation, cursor) in &expired.cursors {
                    self.send((fact.stream(), conversation.0), *cursor, true);
                }
            }
            // The join itself is still to be sent, and nothing from before it.
            Event::Conversation(ConversationEvent::MemberAdded(added)) => {
                let joined = &mut self.at(0, (added.user.0, fact.stream())).joined;
                *joined = (joined.0.max(fact.seq() - 1), joined.1.max(fact.msg_no()));
            }
            Event::Conversation(
                ConversationEvent::DirectOpened(_)
                | ConversationEvent::GroupCreated(_)
                | ConversationEvent::MemberRemoved(_)
                | ConversationEvent::MemberLeft(_)
                | ConversationEvent::GroupRenamed(_)
                | ConversationEvent::RoleChanged(_)
                | ConversationEvent::MessageSent(_),
            )
            | Event::User(UserEvent::Registered(_)) => {}
        }
    }

    fn send(&mut self, key: (Uuid, Uuid), cursor: Cursor, expiry: bool) {
        if cursor.seq == 0 {
            return;
        }
        // Moves of the same sort merge; one of the other sort begins a round.
        let last = self
            .0
            .iter()
            .rposition(|round| round.get(&key).is_some_and(|found| found.sent.0 > 0));
        let round = match last {
            None => 0,
            Some(last) if self.0[last].get(&key).is_some_and(|found| found.expiry == expiry) => last,
            Some(last) => last + 1,
        };
        let found = self.at(round, key);
        found.expiry = expiry;
        found.sent = (
            found.sent.0.max(cursor.seq as i64),
            found.sent.1.max(cursor.msg_no as i64),
        );
    }

    fn at(&mut self, round: usize, key: (Uuid, Uuid)) -> &mut Move {
        if self.0.len() <= round {
            self.0.resize_with(round + 1, BTreeMap::new);
        }
        self.0[round].entry(key).or_default()
    }

    async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), tokio_postgres::Error> {
        for round in &self.0 {
            let users: Vec<Uuid> = round.keys().map(|(user, _)| *user).collect();
            let conversations: Vec<Uuid> = round.keys().map(|(_, conversation)| *conversation).collect();
            let sent_seqs: Vec<i64> = round.values().map(|moved| moved.sent.0).collect();
            let sent_msg_nos: Vec<i64> = round.values().map(|moved| moved.sent.1).collect();
            let joined_seqs: Vec<i64> = round.values().map(|moved| moved.joined.0).collect();
            let joined_msg_nos: Vec<i64> = round.values().map(|moved| moved.joined.1).collect();
            // Where nothing had been sent before, a lapse begins with the first event.
            let lapses: Vec<Option<i64>> = round.values().map(|moved| moved.expiry.then_some(1)).collect();
            run(
                transaction,
                schema,
                include_str!("inbox/move.sql"),
                &[
                    &users,
                    &conversations,
                    &sent_seqs,
                    &sent_msg_nos,
                    &joined_seqs,
                    &joined_msg_nos,
                    &lapses,
                ],
            )
            .await?;
        }
        Ok(())
    }
}
