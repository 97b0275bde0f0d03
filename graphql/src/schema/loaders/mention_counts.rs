//! How often the viewer is mentioned in what they have not read.

use crate::database::{Database, NoAnswer};
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) struct MentionCounts {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for MentionCounts {
    type Value = i64;
    type Error = NoAnswer;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, i64>, NoAnswer> {
        let read = |row: &tokio_postgres::Row| Ok((row.try_get("conversation")?, row.try_get("mentions")?));
        let counts: Vec<(Uuid, i64)> = self
            .database
            .rows(
                include_str!("mention_counts/count.sql"),
                &[&self.viewer, &conversations],
                read,
            )
            .await?;
        Ok(counts.into_iter().collect())
    }
}
