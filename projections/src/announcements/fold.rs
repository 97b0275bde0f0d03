//! How events change it.

use super::{announced, announcement};
use crate::fact::Fact;
use crate::projection::{Folds, Projection, Table};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tidings_domain::stored::Kind;
use tidings_domain::{Event, UserEvent};
use tokio_postgres::Error;

/// The `announcements` projection. A row belongs to the stream of announcements, or to that of whoever was told, so lanes never meet.
pub(crate) struct Announcements;

#[async_trait]
impl Projection for Announcements {
    fn name(&self) -> &'static str {
        "announcements"
    }

    fn schema(&self) -> &'static str {
        "p_announcements"
    }

    fn version(&self) -> i32 {
        1
    }

    fn folds(&self) -> Folds {
        Folds::Only(&[Kind::CURSORS_MOVED, Kind::ANNOUNCED, Kind::ANNOUNCEMENT_CHANGED])
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
                name: "announcement",
                key: &["stream", "announcement"],
                stream: "stream",
            },
            Table {
                name: "announced",
                key: &["user_id", "seq"],
                stream: "user_id",
            },
        ]
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), Error> {
        let mut announcements = announcement::Changes::default();
        let mut reach = announced::Changes::default();
        for fact in facts {
            match fact.event {
                Event::Announcement(changed) => announcements.fold(fact, changed),
                Event::User(UserEvent::Announced(announced)) => reach.tell(fact, announced),
                Event::User(UserEvent::CursorsMoved(moved)) => reach.read(fact, moved),
                _ => {}
            }
        }
        announcements.write(transaction, schema).await?;
        reach.write(transaction, schema).await
    }
}
