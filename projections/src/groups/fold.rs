//! How events change it.

use super::group_settings::Changed;
use super::invitation::{Heard, Invitations};
use super::link::Links;
use super::request::Requests;
use super::sanction::Sanctions;
use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, Event, UserEvent};

/// The `groups` projection. Every row belongs to one stream, so lanes never meet.
pub(crate) struct Groups;

#[async_trait]
impl Projection for Groups {
    fn name(&self) -> &'static str {
        "groups"
    }

    fn schema(&self) -> &'static str {
        "p_groups_3"
    }

    fn version(&self) -> i32 {
        3
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[
            Kind::GROUP_SETTINGS_CHANGED,
            Kind::MEMBER_MUTED,
            Kind::MEMBER_BANNED,
            Kind::MEMBER_UNBANNED,
            Kind::LINK_CREATED,
            Kind::LINK_REVOKED,
            Kind::JOIN_REQUESTED,
            Kind::JOIN_REFUSED,
            Kind::INVITATION_SENT,
            Kind::INVITATION_ACCEPTED,
            Kind::INVITATION_DECLINED,
            Kind::INVITATION_WITHDRAWN,
            Kind::GROUP_INVITED,
            Kind::INVITATION_ENDED,
            // By links, and by those who asked.
            Kind::MEMBER_ADDED,
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
                name: "group_setting",
                key: &["conversation", "name"],
                stream: "conversation",
            },
            Table {
                name: "sanction",
                key: &["conversation", "kind", "user_id"],
                stream: "conversation",
            },
            Table {
                name: "link",
                key: &["conversation", "link"],
                stream: "conversation",
            },
            Table {
                name: "request",
                key: &["conversation", "user_id"],
                stream: "conversation",
            },
            Table {
                name: "invitation",
                key: &["conversation", "user_id", "by_user"],
                stream: "conversation",
            },
            Table {
                name: "invitation_sent",
                key: &["conversation", "by_user", "user_id"],
                stream: "conversation",
            },
            Table {
                name: "invited",
                key: &["user_id", "conversation", "by_user"],
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
        let (mut settings, mut sanctions) = (Changed::default(), Sanctions::default());
        let (mut links, mut requests) = (Links::default(), Requests::default());
        let (mut invitations, mut heard) = (Invitations::default(), Heard::default());
        for fact in facts {
            match fact.event {
                Event::Conversation(ConversationEvent::GroupSettingsChanged(changed)) => {
                    settings.fold(fact, &changed.settings);
                }
                Event::Conversation(event) => {
                    sanctions.fold(fact, event);
                    links.fold(fact, event);
                    requests.fold(fact, event);
                    invitations.fold(fact, event);
                }
                Event::User(UserEvent::Told(told)) => heard.fold(fact, told),
                _ => {}
            }
        }
        settings.write(transaction, schema).await?;
        sanctions.write(transaction, schema).await?;
        links.write(transaction, schema).await?;
        requests.write(transaction, schema).await?;
        invitations.write(transaction, schema).await?;
        heard.write(transaction, schema).await
    }
}
