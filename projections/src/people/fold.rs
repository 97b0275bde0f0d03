//! How events change it.

use super::{profile, report, setting, tie};
use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tidings_domain::stored::Kind;
use tidings_domain::{Event, UserEvent};
use tokio_postgres::Error;

/// The `people` projection. Every row belongs to its user's stream, to that of two people, or to that of what was reported of a message, so lanes never meet.
pub(crate) struct People;

#[async_trait]
impl Projection for People {
    fn name(&self) -> &'static str {
        "people"
    }

    fn schema(&self) -> &'static str {
        "p_people_3"
    }

    fn version(&self) -> i32 {
        3
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[
            Kind::USER_REGISTERED,
            Kind::PROFILE_UPDATED,
            Kind::SETTINGS_UPDATED,
            Kind::PAIR_CHANGED,
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
                name: "profile",
                key: &["user_id"],
                stream: "user_id",
            },
            Table {
                name: "name",
                key: &["user_id", "seq"],
                stream: "user_id",
            },
            Table {
                name: "setting",
                key: &["user_id"],
                stream: "user_id",
            },
            Table {
                name: "tie",
                key: &["user_id", "kind", "other_id"],
                stream: "pair",
            },
            Table {
                name: "report",
                key: &["report"],
                stream: "reports",
            },
            Table {
                name: "filing",
                key: &["reports", "pos"],
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
        let mut profiles = profile::Changes::default();
        let mut settings = setting::Changes::default();
        let mut ties = tie::Changes::default();
        let mut reports = report::Changes::default();
        for fact in facts {
            match fact.event {
                Event::User(UserEvent::Registered(registered)) => profiles.register(fact, registered),
                Event::User(UserEvent::ProfileUpdated(updated)) => profiles.update(fact, updated),
                Event::User(UserEvent::SettingsUpdated(updated)) => settings.update(fact, *updated),
                Event::Pair(changed) => ties.fold(fact, changed),
                Event::Report(event) => reports.fold(fact, event),
                _ => {}
            }
        }
        profiles.write(transaction, schema).await?;
        settings.write(transaction, schema).await?;
        ties.write(transaction, schema).await?;
        reports.write(transaction, schema).await
    }
}
