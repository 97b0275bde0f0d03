//! How events change it.

use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table, run};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::event::{AttachmentStored, Avatar};
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, Event, ReportEvent, UserEvent};
use tokio_postgres::Error;
use uuid::Uuid;

/// The `attachments` projection. Every row belongs to one stream, so lanes never meet: what is stored to its owner's, what is shown to
/// the conversation's, and what is reported to that of the message's reports. Only evidence is made by two, which are of one lane.
pub(crate) struct Attachments;

#[async_trait]
impl Projection for Attachments {
    fn name(&self) -> &'static str {
        "attachments"
    }

    fn schema(&self) -> &'static str {
        "p_attachments_4"
    }

    fn version(&self) -> i32 {
        4
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[
            Kind::ATTACHMENT_STORED,
            Kind::ATTACHMENT_REMOVED,
            Kind::MESSAGE_SENT,
            Kind::THREAD_REPLIED,
            Kind::THREAD_REPLIED_ALSO,
            Kind::MESSAGE_RECALLED,
            Kind::PROFILE_UPDATED,
            Kind::REPORT_FILED,
            Kind::REPORT_HANDLED,
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
                name: "attachment",
                key: &["attachment"],
                stream: "owner",
            },
            Table {
                name: "usage",
                key: &["owner"],
                stream: "owner",
            },
            Table {
                name: "avatar",
                key: &["owner"],
                stream: "owner",
            },
            Table {
                name: "claim",
                key: &["conversation", "seq"],
                stream: "conversation",
            },
            Table {
                name: "taken_back",
                key: &["conversation", "message"],
                stream: "conversation",
            },
            Table {
                name: "open_report",
                key: &["report"],
                stream: "reports",
            },
            Table {
                name: "evidence",
                key: &["report"],
                stream: "reports",
            },
        ]
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), Error> {
        let mut changes = Changes::default();
        for fact in facts {
            changes.fold(fact);
        }
        changes.write(transaction, schema).await
    }
}

/// What a batch changes, by key.
#[derive(Default)]
struct Changes<'a> {
    stored: BTreeMap<Uuid, (Uuid, DateTime<Utc>, &'a AttachmentStored)>,
    removed: BTreeSet<Uuid>,
    /// Bytes and files that came, less those that went.
    usage: BTreeMap<Uuid, (i64, i64)>,
    /// The pictures of people, where they have said something of them.
    avatars: BTreeMap<Uuid, Option<Uuid>>,
    /// By conversation and seq of the message.
    claims: BTreeMap<(Uuid, i64), Uuid>,
    /// The ids of messages that were recalled, by conversation and seq.
    released: BTreeMap<(Uuid, i64), Uuid>,
    /// The same of messages of this batch, with what they showed.
    taken_back: BTreeMap<(Uuid, i64), (Uuid, Uuid)>,
    /// Reports, with what is open: the stream, and the conversation and the message that it is about.
    reports: BTreeMap<Uuid, Option<(Uuid, Uuid, Uuid)>>,
}

impl<'a> Changes<'a> {
    fn fold(&mut self, fact: &Fact<'a>) {
        match fact.event {
            Event::User(UserEvent::AttachmentStored(stored)) => {
                self.stored
                    .insert(fact.record.command, (fact.stream(), fact.at(), stored));
                self.uses(fact.stream(), stored.size as i64, 1);
            }
            // It comes behind what it removes, perhaps in the same batch.
            Event::User(UserEvent::AttachmentRemoved(removed)) => {
                if self.stored.remove(&removed.attachment).is_none() {
                    self.removed.insert(removed.attachment);
                }
                self.uses(fact.stream(), -(removed.size as i64), -1);
            }
            Event::User(UserEvent::ProfileUpdated(updated)) => {
                if let Some(Avatar(attachment)) = updated.avatar {
                    self.avatars.insert(fact.stream(), attachment);
                }
            }
            Event::Conversation(ConversationEvent::MessageSent(sent)) => {
                if let Some(attachment) = sent.content.attachment() {
                    self.claims.insert((fact.stream(), fact.seq()), attachment);
                }
            }
            Event::Conversation(ConversationEvent::MessageRecalled(recalled)) => {
                let key = (fact.stream(), recalled.message_seq as i64);
                if let Some(attachment) = self.claims.remove(&key) {
                    self.taken_back.insert(key, (recalled.message, attachment));
                } else {
                    self.released.insert(key, recalled.message);
                }
            }
            // It may have been settled, and be made once more.
            Event::Report(ReportEvent::Filed(filed)) => {
                let open = (fact.stream(), filed.conversation.0, filed.message);
                self.reports.insert(filed.report.0, Some(open));
            }
            Event::Report(ReportEvent::Handled(handled)) if handled.action.is_final() => {
                self.reports.insert(handled.report.0, None);
            }
            Event::Conversation(_)
            | Event::User(_)
            | Event::Pair(_)
            | Event::Report(_)
            | Event::Administration(_)
            | Event::Announcement(_) => {}
        }
    }

    fn uses(&mut self, owner: Uuid, bytes: i64, files: i64) {
        let usage = self.usage.entry(owner).or_default();
        usage.0 += bytes;
        usage.1 += files;
    }

    async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        self.write_attachments(transaction, schema).await?;
        if !self.avatars.is_empty() {
            let (owners, attachments): (Vec<Uuid>, Vec<Option<Uuid>>) = self
                .avatars
                .iter()
                .map(|(owner, attachment)| (*owner, *attachment))
                .unzip();
            for sql in [include_str!("show.sql"), include_str!("show_no_more.sql")] {
                run(transaction, schema, sql, &[&owners, &attachments]).await?;
            }
        }
        if !self.claims.is_empty() {
            let (conversations, seqs): (Vec<Uuid>, Vec<i64>) = self.claims.keys().copied().unzip();
            let attachments: Vec<Uuid> = self.claims.values().copied().collect();
            let sql = include_str!("claim.sql");
            run(transaction, schema, sql, &[&conversations, &seqs, &attachments]).await?;
        }
        self.write_recalls(transaction, schema).await?;
        self.write_reports(transaction, schema).await
    }

    async fn write_recalls(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if !self.released.is_empty() {
            let (conversations, seqs): (Vec<Uuid>, Vec<i64>) = self.released.keys().copied().unzip();
            let messages: Vec<Uuid> = self.released.values().copied().collect();
            let sql = include_str!("release.sql");
            run(transaction, schema, sql, &[&conversations, &seqs, &messages]).await?;
        }
        if !self.taken_back.is_empty() {
            let conversations: Vec<Uuid> = self.taken_back.keys().map(|(of, _)| *of).collect();
            let (messages, attachments): (Vec<Uuid>, Vec<Uuid>) = self.taken_back.values().copied().unzip();
            let sql = include_str!("take_back.sql");
            run(
                transaction,
                schema,
                sql,
                &[&conversations, &messages, &attachments],
            )
            .await?;
        }
        let released = self.released.iter().map(|((of, _), message)| (*of, *message));
        let taken_back = self
            .taken_back
            .iter()
            .map(|((of, _), (message, _))| (*of, *message));
        let (conversations, messages): (Vec<Uuid>, Vec<Uuid>) = released.chain(taken_back).unzip();
        if !messages.is_empty() {
            let sql = include_str!("evidence_recalled.sql");
            run(transaction, schema, sql, &[&conversations, &messages]).await?;
        }
        Ok(())
    }

    /// Behind what was recalled, so that it finds that.
    async fn write_reports(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let (mut open, mut settled) = (vec![], vec![]);
        for (report, about) in &self.reports {
            match about {
                Some(about) => open.push((*report, *about)),
                None => settled.push(*report),
            }
        }
        if !open.is_empty() {
            let reports: Vec<Uuid> = open.iter().map(|(report, _)| *report).collect();
            let streams: Vec<Uuid> = open.iter().map(|(_, (stream, ..))| *stream).collect();
            let conversations: Vec<Uuid> = open.iter().map(|(_, (_, of, _))| *of).collect();
            let messages: Vec<Uuid> = open.iter().map(|(_, (.., message))| *message).collect();
            for sql in [include_str!("report.sql"), include_str!("evidence_reported.sql")] {
                run(
                    transaction,
                    schema,
                    sql,
                    &[&reports, &streams, &conversations, &messages],
                )
                .await?;
            }
        }
        if !settled.is_empty() {
            for sql in [include_str!("settle.sql"), include_str!("evidence_settled.sql")] {
                run(transaction, schema, sql, &[&settled]).await?;
            }
        }
        Ok(())
    }

    async fn write_attachments(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if !self.stored.is_empty() {
            let ids: Vec<Uuid> = self.stored.keys().copied().collect();
            let owners: Vec<Uuid> = self.stored.values().map(|(owner, ..)| *owner).collect();
            let ats: Vec<DateTime<Utc>> = self.stored.values().map(|(_, at, _)| *at).collect();
            let each = || self.stored.values().map(|(.., stored)| stored);
            let names: Vec<&str> = each().map(|stored| stored.name.as_str()).collect();
            let types: Vec<&str> = each().map(|stored| stored.media_type.as_str()).collect();
            let sizes: Vec<i64> = each().map(|stored| stored.size as i64).collect();
            let sums: Vec<&str> = each().map(|stored| stored.sha256.as_str()).collect();
            let pixels = |side: Option<u32>| side.and_then(|side| i32::try_from(side).ok());
            let widths: Vec<Option<i32>> = each().map(|stored| pixels(stored.width)).collect();
            let heights: Vec<Option<i32>> = each().map(|stored| pixels(stored.height)).collect();
            run(
                transaction,
                schema,
                include_str!("store.sql"),
                &[
                    &ids, &owners, &ats, &names, &types, &sizes, &sums, &widths, &heights,
                ],
            )
            .await?;
        }
        if !self.removed.is_empty() {
            let removed: Vec<Uuid> = self.removed.iter().copied().collect();
            run(transaction, schema, include_str!("remove.sql"), &[&removed]).await?;
        }
        if !self.usage.is_empty() {
            let owners: Vec<Uuid> = self.usage.keys().copied().collect();
            let (bytes, files): (Vec<i64>, Vec<i64>) = self.usage.values().copied().unzip();
            let sql = include_str!("use.sql");
            run(transaction, schema, sql, &[&owners, &bytes, &files]).await?;
        }
        Ok(())
    }
}
