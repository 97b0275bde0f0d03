//! How often the viewer is mentioned in what they have not read.

use crate::database::{Database, NoAnswer};
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use uuid::Uuid;

const COUNT: &str = "SELECT n.conversation, count(*) AS mentions FROM p_unread.mention n \
    LEFT JOIN p_unread.reader r ON r.user_id = n.user_id AND r.conversation = n.conversation \
    WHERE n.user_id = $1 AND n.conversation = ANY($2) AND n.seq > coalesce(r.read_seq, 0) GROUP BY n.conversation";

pub(crate) struct MentionCounts {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for MentionCounts {
    type Value = i64;
    type Error = NoAnswer;

    /// Conversations without any are left out.
    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, i64>, NoAnswer> {
        let read = |row: &tokio_postgres::Row| Ok((row.try_get("conversation")?, row.try_get("mentions")?));
        let counts: Vec<(Uuid, i64)> = self
            .database
            .rows(COUNT, &[&self.viewer, &conversations], read)
            .await?;
        Ok(counts.into_iter().collect())
    }
}
