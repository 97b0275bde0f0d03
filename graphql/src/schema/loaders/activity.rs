//! Pages of the viewer's conversations, newest activity first: of all, and of those with undelivered messages.

use crate::database::{Database, NoAnswer};
use crate::schema::conversation::Conversation;
use crate::schema::cursor::ActivityPlace;
use crate::schema::inbox::Waiting;
use crate::schema::page::{Entries, Page, surroundings};
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

type ActivityPage = Page<ActivityPlace>;

/// Conversations of which the viewer is a member.
pub(crate) struct ActivityPages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

/// Those of them that hold messages which no device of the viewer has been sent.
pub(crate) struct PendingPages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<ActivityPage> for ActivityPages {
    type Value = Entries<Conversation>;
    type Error = NoAnswer;

    async fn load(&self, pages: &[ActivityPage]) -> Result<HashMap<ActivityPage, Self::Value>, NoAnswer> {
        read_pages(
            &self.database,
            include_str!("activity/all.sql"),
            self.viewer,
            pages,
            Conversation::read,
        )
        .await
    }
}

impl Loader<ActivityPage> for PendingPages {
    type Value = Entries<Waiting>;
    type Error = NoAnswer;

    async fn load(&self, pages: &[ActivityPage]) -> Result<HashMap<ActivityPage, Self::Value>, NoAnswer> {
        read_pages(
            &self.database,
            include_str!("activity/pending.sql"),
            self.viewer,
            pages,
            Waiting::read,
        )
        .await
    }
}

async fn read_pages<T>(
    database: &Database,
    sql: &str,
    viewer: Uuid,
    pages: &[ActivityPage],
    read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<HashMap<ActivityPage, Entries<T>>, NoAnswer> {
    let at = |place: &Option<ActivityPlace>| place.map(|place| place.at);
    let id = |place: &Option<ActivityPlace>| place.map(|place| place.conversation);
    let mut answers = HashMap::with_capacity(pages.len());
    for page in pages {
        let sql = sql.replace("{direction}", page.direction(false));
        let rows = database
            .rows(
                &sql,
                &[
                    &viewer,
                    &at(&page.after),
                    &id(&page.after),
                    &at(&page.before),
                    &id(&page.before),
                    &page.rows(),
                ],
                |row| {
                    // An empty page is one row without a conversation.
                    let found: Option<Uuid> = row.try_get("conversation")?;
                    Ok((surroundings(row)?, found.map(|_| read(row)).transpose()?))
                },
            )
            .await?;
        let (earlier, later) = rows.first().map_or((false, false), |(around, _)| *around);
        let items = rows.into_iter().filter_map(|(_, item)| item).collect();
        answers.insert(page.clone(), page.entries(items, earlier, later));
    }
    Ok(answers)
}
