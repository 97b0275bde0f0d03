//! Conversations by id, where the viewer is a member.

use crate::database::{Database, NoAnswer};
use crate::schema::conversation::Conversation;
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) struct Conversations {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for Conversations {
    type Value = Conversation;
    type Error = NoAnswer;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Conversation>, NoAnswer> {
        let sql = include_str!("conversations/by_id.sql");
        let found = self
            .database
            .rows(sql, &[&self.viewer, &ids], Conversation::read)
            .await?;
        Ok(found
            .into_iter()
            .map(|conversation| (conversation.id, conversation))
            .collect())
    }
}
