//! What people hide from themselves: single messages, and everything up to a place.

use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::Sql;
use deadpool_postgres::Transaction;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::UserEvent;
use tidings_eventlog::Pool;
use tidings_eventlog::record::lane_of;
use tokio_postgres::Error;
use uuid::Uuid;

static HIDDEN_AMONG: Sql = Sql::new(include_str!("hidden_among.sql"));

/// What of a stretch of a conversation somebody has hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HiddenAmong {
    /// Everything up to this seq; 0 where nothing was cleared.
    pub cleared: u64,
    /// Single messages, by seq.
    pub messages: BTreeSet<u64>,
    /// The position in the user's lane up to which the log was folded for this; behind it there may be more.
    pub folded: u64,
}

impl HiddenAmong {
    pub fn is_empty(&self) -> bool {
        self.cleared == 0 && self.messages.is_empty()
    }

    /// Whether the message at this seq is hidden.
    pub fn has(&self, seq: u64) -> bool {
        seq <= self.cleared || self.messages.contains(&seq)
    }
}

/// Which of the messages at these seqs of a conversation `user` has hidden, and how far the conversation is cleared. It may be less
/// than the log says behind [`folded`](HiddenAmong::folded).
pub async fn hidden_among(
    pool: &Pool,
    user: Uuid,
    conversation: Uuid,
    seqs: &[u64],
) -> Result<HiddenAmong, ProjectionError> {
    let seqs: Vec<i64> = seqs.iter().map(|seq| *seq as i64).collect();
    let lane = i16::from(lane_of(user));
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&HIDDEN_AMONG.text(client.home())).await?;
        let rows = client
            .query(&statement, &[&user, &conversation, &seqs, &lane])
            .await?;
        let mut hidden = HiddenAmong::default();
        for row in &rows {
            let place = row.try_get::<_, i64>(1)? as u64;
            match row.try_get(0)? {
                "cleared" => hidden.cleared = place,
                "folded" => hidden.folded = place,
                _ => {
                    hidden.messages.insert(place);
                }
            }
        }
        Ok::<_, ProjectionError>(hidden)
    };
    within(pool.timeout(), reading).await
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes {
    /// By user, conversation and seq: the number of the message, where it is counted.
    hidden: BTreeMap<(Uuid, Uuid, i64), Option<i64>>,
    /// By user and conversation: the furthest seq, and the number of messages there.
    cleared: BTreeMap<(Uuid, Uuid), (i64, i64)>,
}

impl Changes {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &UserEvent) {
        let user = fact.stream();
        match event {
            UserEvent::MessagesHidden(hidden) => {
                for (_, seq, no) in hidden.places() {
                    let key = (user, hidden.conversation.0, seq as i64);
                    self.hidden.insert(key, (no > 0).then_some(no as i64));
                }
            }
            UserEvent::ConversationCleared(cleared) => {
                let place = (cleared.seq as i64, cleared.message_no as i64);
                let known = self.cleared.entry((user, cleared.conversation.0)).or_default();
                *known = place.max(*known);
            }
            _ => {}
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if !self.hidden.is_empty() {
            let users: Vec<Uuid> = self.hidden.keys().map(|(user, ..)| *user).collect();
            let conversations: Vec<Uuid> = self
                .hidden
                .keys()
                .map(|(_, conversation, _)| *conversation)
                .collect();
            let seqs: Vec<i64> = self.hidden.keys().map(|(.., seq)| *seq).collect();
            let msg_nos: Vec<Option<i64>> = self.hidden.values().copied().collect();
            let sql = include_str!("hide.sql");
            run(
                transaction,
                schema,
                sql,
                &[&users, &conversations, &seqs, &msg_nos],
            )
            .await?;
        }
        if !self.cleared.is_empty() {
            let (users, conversations): (Vec<Uuid>, Vec<Uuid>) = self.cleared.keys().copied().unzip();
            let (seqs, msg_nos): (Vec<i64>, Vec<i64>) = self.cleared.values().copied().unzip();
            let sql = include_str!("clear.sql");
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
