//! Pins: one row for each message that is pinned.

use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Select, Sql};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::PinChanged;
use tokio_postgres::Error;
use uuid::Uuid;

use super::message::Message;

static PINS: Sql = Sql::new(include_str!("pins.sql"));
static PINNED: Sql = Sql::new(include_str!("pinned.sql"));

/// The messages that are pinned in each of `conversations` and that `viewer` has not hidden, of each the one that was pinned last first.
pub fn pins(viewer: Uuid, conversations: Vec<Uuid>) -> Select<Message> {
    Select::new(&PINS, Message::read).with(conversations).with(viewer)
}

/// Which of these messages are pinned: conversation and seq. A message is named by what stands at the same place of both lists.
pub fn pinned(conversations: Vec<Uuid>, seqs: Vec<i64>) -> Select<(Uuid, i64)> {
    let read = |row: &tokio_postgres::Row| Ok((row.try_get("conversation")?, row.try_get("message_seq")?));
    Select::new(&PINNED, read).with(conversations).with(seqs)
}

/// What a batch does to pins, by conversation and seq of the message: the last event about each, with the message's id.
#[derive(Default)]
pub(super) struct Pins(BTreeMap<(Uuid, i64), Change>);

/// Whether a message is pinned at the end of a batch.
struct Change {
    message: Uuid,
    /// The seq of the event that pinned it last, where it is. A pin that is there already keeps its place.
    comes: Option<i64>,
    /// It was taken away in between, or before.
    goes: bool,
}

impl Pins {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, changed: &PinChanged) {
        let key = (fact.stream(), changed.message_seq as i64);
        let change = self.0.entry(key).or_insert(Change {
            message: changed.message,
            comes: None,
            goes: false,
        });
        if changed.on {
            change.comes.get_or_insert(fact.seq());
        } else {
            (change.comes, change.goes) = (None, true);
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let (conversations, seqs): (Vec<Uuid>, Vec<i64>) = self
            .0
            .iter()
            .filter_map(|(key, change)| change.goes.then_some(*key))
            .unzip();
        if !conversations.is_empty() {
            run(
                transaction,
                schema,
                include_str!("pin_gone.sql"),
                &[&conversations, &seqs],
            )
            .await?;
        }
        let come = self.0.iter().filter_map(|((conversation, seq), change)| {
            change.comes.map(|own| (*conversation, *seq, change.message, own))
        });
        let (mut conversations, mut seqs, mut messages, mut own_seqs) = (vec![], vec![], vec![], vec![]);
        for (conversation, seq, message, own) in come {
            conversations.push(conversation);
            seqs.push(seq);
            messages.push(message);
            own_seqs.push(own);
        }
        if !conversations.is_empty() {
            run(
                transaction,
                schema,
                include_str!("pin.sql"),
                &[&conversations, &seqs, &messages, &own_seqs],
            )
            .await?;
        }
        Ok(())
    }
}
