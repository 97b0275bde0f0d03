//! How events change it.

use super::newcomers::Newcomers;
use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table, run};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::event::Registered;
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, Event, Membership, Role, UserEvent, UserId};
use uuid::Uuid;

/// The `conversations` projection. Every row belongs to one stream, so lanes never meet.
pub(crate) struct Conversations;

#[async_trait]
impl Projection for Conversations {
    fn name(&self) -> &'static str {
        "conversations"
    }

    fn schema(&self) -> &'static str {
        "p_conversations_3"
    }

    fn version(&self) -> i32 {
        3
    }

    fn folds(&self) -> Folds {
        // Every event of a conversation moves it, and any but these may be about people or members.
        Folds::AllBut(&[
            Kind::CURSORS_MOVED,
            Kind::INBOX_EXPIRED,
            Kind::ATTACHMENT_STORED,
            Kind::ATTACHMENT_REMOVED,
            Kind::CONVERSATION_MUTED,
            Kind::CONVERSATION_ARCHIVED,
            Kind::CONVERSATION_MARKED,
            Kind::MESSAGES_HIDDEN,
            Kind::CONVERSATION_CLEARED,
            Kind::THREAD_FOLLOWED,
            Kind::THREAD_READ,
            Kind::SETTINGS_UPDATED,
            Kind::CONTACT_REQUESTED,
            Kind::CONTACT_ACCEPTED,
            Kind::CONTACT_DECLINED,
            Kind::CONTACT_WITHDRAWN,
            Kind::CONTACT_REMOVED,
            Kind::USER_BLOCKED,
            Kind::ANNOUNCED,
            Kind::PAIR_CHANGED,
            Kind::REPORT_FILED,
            Kind::REPORT_HANDLED,
            Kind::ANNOUNCEMENT_CHANGED,
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
                name: "person",
                key: &["user_id"],
                stream: "user_id",
            },
            Table {
                name: "conversation",
                key: &["conversation"],
                stream: "conversation",
            },
            Table {
                name: "member",
                key: &["conversation", "user_id"],
                stream: "conversation",
            },
            Table {
                name: "stay",
                key: &["conversation", "user_id", "to_seq"],
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

/// What a batch changes, one entry per row.
#[derive(Default)]
struct Changes<'a> {
    people: BTreeMap<Uuid, (&'a Registered, DateTime<Utc>)>,
    /// By whose they are.
    names: BTreeMap<Uuid, &'a str>,
    /// Those whose accounts were deleted.
    gone: BTreeSet<Uuid>,
    conversations: BTreeMap<Uuid, Conversation<'a>>,
    members: BTreeMap<(Uuid, Uuid), Member>,
    /// Memberships that have ended, by conversation, user and leaving.
    stays: BTreeMap<(Uuid, Uuid, i64), Stay>,
}

#[derive(Default)]
struct Conversation<'a> {
    created: Option<Created>,
    title: Option<&'a str>,
    last_seq: i64,
    last_msg_no: i64,
    active_at: Option<DateTime<Utc>>,
    message: Option<(Uuid, i64)>,
    /// What newcomers see by what the batch has brought so far.
    newcomers: Option<Newcomers>,
}

struct Created {
    kind: &'static str,
    at: DateTime<Utc>,
    by: Uuid,
}

#[derive(Clone, Copy, Default)]
struct Member {
    joined: Option<(i64, i64, DateTime<Utc>)>,
    /// The first seq that they see and how many messages stand before it, where the batch says that.
    view: Option<(i64, i64)>,
    role: Option<Role>,
    left: Option<i64>,
}

/// A membership that has ended. Where it began before the batch, the member's row says what they saw by it.
#[derive(Clone, Copy, Default)]
struct Stay {
    joined: Option<i64>,
    /// The first seq that they saw, where the batch says that.
    from: Option<i64>,
}

impl<'a> Changes<'a> {
    fn fold(&mut self, fact: &Fact<'a>) {
        match fact.event {
            Event::User(UserEvent::Registered(registered)) => {
                self.people.insert(fact.stream(), (registered, fact.at()));
            }
            Event::User(UserEvent::ProfileUpdated(updated)) => {
                if let Some(name) = &updated.display_name {
                    self.names.insert(fact.stream(), name.as_str());
                }
            }
            Event::User(UserEvent::AccountDeleted(_)) => {
                self.gone.insert(fact.stream());
            }
            Event::User(_)
            | Event::Pair(_)
            | Event::Report(_)
            | Event::Administration(_)
            | Event::Announcement(_) => {}
            Event::Conversation(event) => self.fold_conversation(fact, event),
        }
    }

    fn fold_conversation(&mut self, fact: &Fact<'a>, event: &'a ConversationEvent) {
        let created = |kind| {
            Some(Created {
                kind,
                at: fact.at(),
                by: fact.record.actor,
            })
        };
        let conversation = self.touch(fact, event);
        match event {
            ConversationEvent::DirectOpened(_) => {
                (conversation.created, conversation.title) = (created("direct"), None);
            }
            ConversationEvent::GroupCreated(group) => {
                (conversation.created, conversation.title) = (created("group"), Some(group.name.as_str()));
            }
            ConversationEvent::GroupRenamed(renamed) => conversation.title = Some(renamed.name.as_str()),
            ConversationEvent::RoleChanged(changed) => {
                self.member(fact, changed.user).role = Some(changed.role);
            }
            ConversationEvent::MessageSent(sent) if sent.line().is_main() => {
                conversation.message = Some((fact.record.command, fact.seq()));
            }
            ConversationEvent::GroupSettingsChanged(changed) => {
                if let Some(history) = changed.settings.history {
                    let (seq, msg_no) = (fact.record.seq, fact.record.msg_no);
                    conversation.newcomers = Some(Newcomers::turned(history, seq, msg_no));
                }
            }
            _ => {}
        }
        match event.membership() {
            Membership::Joined(joined) => {
                for (user, role) in joined.iter() {
                    self.join(fact, user, role);
                }
            }
            Membership::Left(user) => self.leave(fact, user),
            Membership::Unchanged => {}
        }
    }

    /// The conversation's entry, moved on to this fact.
    fn touch(&mut self, fact: &Fact<'_>, event: &ConversationEvent) -> &mut Conversation<'a> {
        let entry = self.conversations.entry(fact.stream()).or_default();
        (entry.last_seq, entry.last_msg_no) = (fact.seq(), fact.msg_no());
        if event.brings_up() {
            entry.active_at = Some(fact.at());
        }
        entry
    }

    fn member(&mut self, fact: &Fact<'_>, user: UserId) -> &mut Member {
        self.members.entry((fact.stream(), user.0)).or_default()
    }

    fn join(&mut self, fact: &Fact<'_>, user: UserId, role: Role) {
        let joined = Some((fact.seq(), fact.msg_no(), fact.at()));
        let newcomers = self.conversations.get(&fact.stream()).and_then(|of| of.newcomers);
        let view = newcomers.map(|newcomers| {
            let (from, before) = newcomers.view(fact.record.seq, fact.record.msg_no);
            (from as i64, before as i64)
        });
        *self.member(fact, user) = Member {
            joined,
            view,
            role: Some(role),
            left: None,
        };
    }

    fn leave(&mut self, fact: &Fact<'_>, user: UserId) {
        let left = fact.seq();
        let member = self.member(fact, user);
        member.left = Some(left);
        let stay = Stay {
            joined: member.joined.map(|(seq, ..)| seq),
            from: member.view.map(|(from, _)| from),
        };
        self.stays.insert((fact.stream(), user.0, left), stay);
    }

    async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), tokio_postgres::Error> {
        self.write_people(transaction, schema).await?;
        self.write_names(transaction, schema).await?;
        self.write_gone(transaction, schema).await?;
        self.write_conversations(transaction, schema).await?;
        self.write_stays(transaction, schema).await?;
        self.write_members(transaction, schema).await?;
        self.write_newcomers(transaction, schema).await
    }

    async fn write_people(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), tokio_postgres::Error> {
        if self.people.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = self.people.keys().copied().collect();
        let usernames: Vec<&str> = self
            .people
            .values()
            .map(|(person, _)| person.username.as_str())
            .collect();
        let names: Vec<&str> = self
            .people
            .values()
            .map(|(person, _)| person.display_name.as_str())
            .collect();
        let ats: Vec<DateTime<Utc>> = self.people.values().map(|(_, at)| *at).collect();
        let sql = include_str!("register.sql");
        run(transaction, schema, sql, &[&ids, &usernames, &names, &ats]).await?;
        Ok(())
    }

    /// Behind those who have registered in the same batch.
    async fn write_names(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), tokio_postgres::Error> {
        if self.names.is_empty() {
            return Ok(());
        }
        let (ids, names): (Vec<Uuid>, Vec<&str>) = self.names.iter().unzip();
        run(transaction, schema, include_str!("rename.sql"), &[&ids, &names]).await?;
        Ok(())
    }

    /// Behind them, too.
    async fn write_gone(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), tokio_postgres::Error> {
        if self.gone.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = self.gone.iter().copied().collect();
        run(transaction, schema, include_str!("gone.sql"), &[&ids]).await?;
        Ok(())
    }

    async fn write_conversations(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), tokio_postgres::Error> {
        let (mut kinds, mut created_ats, mut created_bys) = (vec![], vec![], vec![]);
        let (mut new, mut old) = (Heads::default(), Heads::default());
        for (id, conversation) in &self.conversations {
            let heads = match &conversation.created {
                Some(created) => {
                    kinds.push(created.kind);
                    created_ats.push(created.at);
                    created_bys.push(created.by);
                    &mut new
                }
                None => &mut old,
            };
            heads.push(*id, conversation);
        }
        if !new.ids.is_empty() {
            let Heads {
                ids,
                titles,
                seqs,
                msg_nos,
                ats,
                messages,
                message_seqs,
            } = &new;
            let sql = include_str!("create.sql");
            run(
                transaction,
                schema,
                sql,
                &[
                    ids,
                    &kinds,
                    titles,
                    &created_ats,
                    &created_bys,
                    seqs,
                    msg_nos,
                    ats,
                    messages,
                    message_seqs,
                ],
            )
            .await?;
        }
        if !old.ids.is_empty() {
            let Heads {
                ids,
                titles,
                seqs,
                msg_nos,
                ats,
                messages,
                message_seqs,
            } = &old;
            let sql = include_str!("move.sql");
            run(
                transaction,
                schema,
                sql,
                &[ids, titles, seqs, msg_nos, ats, messages, message_seqs],
            )
            .await?;
        }
        Ok(())
    }

    /// Before the rows of members, which say of some what they saw until then.
    async fn write_stays(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), tokio_postgres::Error> {
        if self.stays.is_empty() {
            return Ok(());
        }
        let keys = || self.stays.keys();
        let conversations: Vec<Uuid> = keys().map(|(conversation, ..)| *conversation).collect();
        let users: Vec<Uuid> = keys().map(|(_, user, _)| *user).collect();
        let lefts: Vec<i64> = keys().map(|(.., left)| *left).collect();
        let joined: Vec<Option<i64>> = self.stays.values().map(|stay| stay.joined).collect();
        let begins: Vec<Option<i64>> = self.stays.values().map(|stay| stay.from).collect();
        run(
            transaction,
            schema,
            include_str!("stay.sql"),
            &[&conversations, &users, &lefts, &joined, &begins],
        )
        .await?;
        Ok(())
    }

    async fn write_members(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), tokio_postgres::Error> {
        let (mut joined, mut changed): (Vec<_>, Vec<_>) = (vec![], vec![]);
        for (key, member) in &self.members {
            match member.joined {
                Some(place) => joined.push((key, member, place)),
                None => changed.push((key, member)),
            }
        }
        if !joined.is_empty() {
            let conversations: Vec<Uuid> = joined
                .iter()
                .map(|((conversation, _), ..)| *conversation)
                .collect();
            let users: Vec<Uuid> = joined.iter().map(|((_, user), ..)| *user).collect();
            let roles: Vec<&str> = joined
                .iter()
                .map(|(_, member, _)| member.role.unwrap_or(Role::Member).as_str())
                .collect();
            let seqs: Vec<i64> = joined.iter().map(|(.., place)| place.0).collect();
            let msg_nos: Vec<i64> = joined.iter().map(|(.., place)| place.1).collect();
            let ats: Vec<DateTime<Utc>> = joined.iter().map(|(.., place)| place.2).collect();
            let lefts: Vec<Option<i64>> = joined.iter().map(|(_, member, _)| member.left).collect();
            let views = joined.iter().map(|(_, member, _)| member.view.unzip());
            let (visible_froms, unseen_msg_nos): (Vec<Option<i64>>, Vec<Option<i64>>) = views.unzip();
            let sql = include_str!("join.sql");
            run(
                transaction,
                schema,
                sql,
                &[
                    &conversations,
                    &users,
                    &roles,
                    &seqs,
                    &msg_nos,
                    &ats,
                    &lefts,
                    &visible_froms,
                    &unseen_msg_nos,
                ],
            )
            .await?;
        }
        if !changed.is_empty() {
            let conversations: Vec<Uuid> = changed
                .iter()
                .map(|((conversation, _), _)| *conversation)
                .collect();
            let users: Vec<Uuid> = changed.iter().map(|((_, user), _)| *user).collect();
            let roles: Vec<Option<&str>> = changed
                .iter()
                .map(|(_, member)| member.role.map(Role::as_str))
                .collect();
            let lefts: Vec<Option<i64>> = changed.iter().map(|(_, member)| member.left).collect();
            let sql = include_str!("change.sql");
            run(
                transaction,
                schema,
                sql,
                &[&conversations, &users, &roles, &lefts],
            )
            .await?;
        }
        Ok(())
    }

    /// Behind those who have come in: whoever came before the change in the same batch sees what newcomers saw before.
    async fn write_newcomers(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), tokio_postgres::Error> {
        let changed = self
            .conversations
            .iter()
            .filter_map(|(id, conversation)| Some((*id, conversation.newcomers?.columns())));
        let (ids, columns): (Vec<Uuid>, Vec<(Option<i64>, i64)>) = changed.unzip();
        if ids.is_empty() {
            return Ok(());
        }
        let (starts, msg_nos): (Vec<Option<i64>>, Vec<i64>) = columns.into_iter().unzip();
        let sql = include_str!("newcomers.sql");
        run(transaction, schema, sql, &[&ids, &starts, &msg_nos]).await?;
        Ok(())
    }
}

/// The columns of conversations that move with each batch.
#[derive(Default)]
struct Heads<'a> {
    ids: Vec<Uuid>,
    titles: Vec<Option<&'a str>>,
    seqs: Vec<i64>,
    msg_nos: Vec<i64>,
    ats: Vec<Option<DateTime<Utc>>>,
    messages: Vec<Option<Uuid>>,
    message_seqs: Vec<Option<i64>>,
}

impl<'a> Heads<'a> {
    fn push(&mut self, id: Uuid, conversation: &Conversation<'a>) {
        self.ids.push(id);
        self.titles.push(conversation.title);
        self.seqs.push(conversation.last_seq);
        self.msg_nos.push(conversation.last_msg_no);
        self.ats.push(conversation.active_at);
        self.messages.push(conversation.message.map(|(id, _)| id));
        self.message_seqs.push(conversation.message.map(|(_, seq)| seq));
    }
}
