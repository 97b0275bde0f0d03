//! How events change it.

use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table, run};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::stored::Kind;
use tidings_domain::{Cursor, Event, Membership, UserEvent};
use uuid::Uuid;

/// The `inbox` projection. User lanes and conversation lanes move different columns of a row, so it does not matter in which
/// order they come to it.
pub(crate) struct Inbox;

#[async_trait]
impl Projection for Inbox {
    fn name(&self) -> &'static str {
        "inbox"
    }

    fn schema(&self) -> &'static str {
        "p_inbox"
    }

    fn version(&self) -> i32 {
        2
    }

    fn folds(&self) -> Folds {
        // Who is there from the beginning has no row before the first delivery.
        Folds::Only(&[
            Kind::CURSORS_MOVED,
            Kind::INBOX_EXPIRED,
            Kind::MEMBER_ADDED,
            Kind::MEMBER_REMOVED,
            Kind::MEMBER_LEFT,
        ])
    }

    fn ddl(&self) -> &'static str {
        include_str!("ddl.sql")
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

/// Places are of a seq and a msg_no.
#[derive(Clone, Copy, Default)]
struct Move {
    sent: (i64, i64),
    expiry: bool,
    /// The last place before the latest joining.
    joined: (i64, i64),
    /// The last place before the first membership, as far as this batch can tell.
    begun: Option<(i64, i64)>,
    left: Option<i64>,
    /// The latest leaving before the latest joining.
    owed: Option<i64>,
}

impl Move {
    fn join(&mut self, seq: i64, msg_no: i64) {
        // The join itself is still to be sent, and nothing from before it but what was owed.
        self.joined = (seq - 1, msg_no);
        self.begun.get_or_insert(self.joined);
        self.owed = self.left.or(self.owed);
    }

    fn leave(&mut self, seq: i64) {
        // Whoever leaves without having been added was there from the beginning.
        self.begun.get_or_insert((0, 0));
        self.left = Some(seq);
    }
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
            Event::Conversation(event) => match event.membership() {
                Membership::Joined(joined) => {
                    for (user, _) in joined.iter() {
                        self.at(0, (user.0, fact.stream()))
                            .join(fact.seq(), fact.msg_no());
                    }
                }
                Membership::Left(user) => self.at(0, (user.0, fact.stream())).leave(fact.seq()),
                Membership::Unchanged => {}
            },
            Event::User(UserEvent::Registered(_)) | Event::Administration(_) => {}
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
            let begun = |moved: &Move| moved.begun.unzip();
            let (begun_seqs, begun_msg_nos): (Vec<_>, Vec<_>) = round.values().map(begun).unzip();
            let lefts: Vec<Option<i64>> = round.values().map(|moved| moved.left).collect();
            let oweds: Vec<Option<i64>> = round.values().map(|moved| moved.owed).collect();
            // Where nothing had been sent before, a lapse begins with the first event.
            let lapses: Vec<Option<i64>> = round.values().map(|moved| moved.expiry.then_some(1)).collect();
            run(
                transaction,
                schema,
                include_str!("move.sql"),
                &[
                    &users,
                    &conversations,
                    &sent_seqs,
                    &sent_msg_nos,
                    &joined_seqs,
                    &joined_msg_nos,
                    &begun_seqs,
                    &begun_msg_nos,
                    &lefts,
                    &oweds,
                    &lapses,
                ],
            )
            .await?;
        }
        Ok(())
    }
}
