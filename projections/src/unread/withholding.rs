//! Messages that count no more: those that were recalled, and those that are withheld until they are shown again. What is withheld is read from here by
//! whoever shows messages, too.

use crate::fact::Fact;
use crate::projection::run;
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::{MessageRecalled, MessageWithheld};
use tokio_postgres::Error;
use uuid::Uuid;

/// What a batch makes of messages, by conversation and seq, with their msg_no; 0 of those that are in no count but of mentions.
#[derive(Default)]
pub(super) struct Changes(BTreeMap<(Uuid, i64), (i64, Standing)>);

/// How a message stands at the end of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Shown,
    Withheld,
    Recalled,
}

impl Changes {
    pub(super) fn recall(&mut self, fact: &Fact<'_>, recalled: &MessageRecalled) {
        let key = (fact.stream(), recalled.message_seq as i64);
        self.0
            .insert(key, (recalled.message_no as i64, Standing::Recalled));
    }

    /// The last one counts, unless the message is recalled.
    pub(super) fn withhold(&mut self, fact: &Fact<'_>, changed: &MessageWithheld) {
        let standing = if changed.withheld {
            Standing::Withheld
        } else {
            Standing::Shown
        };
        let key = (fact.stream(), changed.message_seq as i64);
        let (_, known) = self.0.entry(key).or_insert((changed.message_no as i64, standing));
        if *known != Standing::Recalled {
            *known = standing;
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let (mut conversations, mut seqs) = (vec![], vec![]);
        let (mut voids, mut msg_nos, mut void_seqs, mut withheld) = (vec![], vec![], vec![], vec![]);
        for ((conversation, seq), (msg_no, standing)) in &self.0 {
            if *standing == Standing::Shown {
                conversations.push(*conversation);
                seqs.push(*seq);
            } else {
                voids.push(*conversation);
                msg_nos.push(*msg_no);
                void_seqs.push(*seq);
                withheld.push(*standing == Standing::Withheld);
            }
        }
        if !conversations.is_empty() {
            let sql = include_str!("void_gone.sql");
            run(transaction, schema, sql, &[&conversations, &seqs]).await?;
        }
        if !voids.is_empty() {
            let sql = include_str!("void.sql");
            run(
                transaction,
                schema,
                sql,
                &[&voids, &msg_nos, &void_seqs, &withheld],
            )
            .await?;
        }
        Ok(())
    }
}
