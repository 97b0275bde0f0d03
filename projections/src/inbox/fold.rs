//! How events change it.

use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table, run};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::stored::Kind;
use tidings_domain::{Cursor, Event, Membership, UserEvent};
use uuid::Uuid;

/// The `inbox` projection. Every row belongs to one stream, so lanes never meet.
pub(crate) struct Inbox;

#[async_trait]
impl Projection for Inbox {
    fn name(&self) -> &'static str {
        "inbox"
    }

    fn schema(&self) -> &'static str {
        "p_inbox_3"
    }

    fn version(&self) -> i32 {
        3
    }

    fn folds(&self) -> Folds {
        // Who is there from the beginning has no row before the first delivery or the leaving.
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
        &[
            Table {
                name: "delivered",
                key: &["user_id", "conversation"],
                stream: "user_id",
            },
            Table {
                name: "membership",
                key: &["user_id", "conversation"],
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
        let mut changes = Changes::default();
        for fact in facts {
            changes.fold(fact);
        }
        changes.write(transaction, schema).await
    }
}

/// A user and a conversation.
type Key = (Uuid, Uuid);

/// What a batch changes.
#[derive(Default)]
struct Changes {
    /// A round holds at most one move per row; deliveries and expiries of one row that must keep their order are in rounds that
    /// follow one another. Nearly always there is one round.
    rounds: Vec<BTreeMap<Key, Moved>>,
    stays: BTreeMap<Key, Stay>,
}

/// How far something was sent, or expired.
#[derive(Clone, Copy, Default)]
struct Moved {
    seq: i64,
    msg_no: i64,
    expiry: bool,
}

/// Coming and going. Places are of a seq and a msg_no.
#[derive(Clone, Copy, Default)]
struct Stay {
    /// The last place before the latest joining.
    joined: (i64, i64),
    /// The last place before the first membership, as far as this batch can tell.
    begun: Option<(i64, i64)>,
    left: Option<i64>,
    /// The latest leaving before the latest joining.
    owed: Option<i64>,
}

impl Stay {
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

impl Changes {
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
                        let stay = self.stays.entry((user.0, fact.stream())).or_default();
                        stay.join(fact.seq(), fact.msg_no());
                    }
                }
                Membership::Left(user) => {
                    let stay = self.stays.entry((user.0, fact.stream())).or_default();
                    stay.leave(fact.seq());
                }
                Membership::Unchanged => {}
            },
            Event::User(_)
            | Event::Pair(_)
            | Event::Report(_)
            | Event::Administration(_)
            | Event::Announcement(_) => {}
        }
    }

    fn send(&mut self, key: Key, cursor: Cursor, expiry: bool) {
        if cursor.seq == 0 {
            return;
        }
        // Moves of the same sort merge; one of the other sort begins a round.
        let last = self.rounds.iter().rposition(|round| round.contains_key(&key));
        let round = match last {
            None => 0,
            Some(last) if self.rounds[last][&key].expiry == expiry => last,
            Some(last) => last + 1,
        };
        if self.rounds.len() <= round {
            self.rounds.resize_with(round + 1, BTreeMap::new);
        }
        let moved = self.rounds[round].entry(key).or_default();
        moved.expiry = expiry;
        moved.seq = moved.seq.max(cursor.seq as i64);
        moved.msg_no = moved.msg_no.max(cursor.msg_no as i64);
    }

    async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), tokio_postgres::Error> {
        for round in &self.rounds {
            let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = round.keys().copied().unzip();
            let seqs: Vec<i64> = round.values().map(|moved| moved.seq).collect();
            let msg_nos: Vec<i64> = round.values().map(|moved| moved.msg_no).collect();
            // Where nothing had been sent before, a lapse begins with the first event.
            let lapses: Vec<Option<i64>> = round.values().map(|moved| moved.expiry.then_some(1)).collect();
            let sql = include_str!("delivered.sql");
            run(
                transaction,
                schema,
                sql,
                &[&users, &conversations, &seqs, &msg_nos, &lapses],
            )
            .await?;
        }
        if self.stays.is_empty() {
            return Ok(());
        }
        let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = self.stays.keys().copied().unzip();
        let stays = || self.stays.values();
        let (joined_seqs, joined_msg_nos): (Vec<i64>, Vec<i64>) = stays().map(|stay| stay.joined).unzip();
        let begun = |stay: &Stay| stay.begun.unwrap_or_default();
        let (begun_seqs, begun_msg_nos): (Vec<i64>, Vec<i64>) = stays().map(begun).unzip();
        let lefts: Vec<Option<i64>> = stays().map(|stay| stay.left).collect();
        let oweds: Vec<Option<i64>> = stays().map(|stay| stay.owed).collect();
        run(
            transaction,
            schema,
            include_str!("membership.sql"),
            &[
                &users,
                &conversations,
                &joined_seqs,
                &joined_msg_nos,
                &begun_seqs,
                &begun_msg_nos,
                &lefts,
                &oweds,
            ],
        )
        .await?;
        Ok(())
    }
}
