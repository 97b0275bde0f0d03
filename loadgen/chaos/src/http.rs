//! What is asked of a node by HTTP: accounts, and the conversation list with its counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tidings_stand::{Account, Api, Node};
use uuid::Uuid;

use crate::fold::Told;

const LIST: &str = "query($after: String) { conversations(first: 100, after: $after) { \
     nodes { id lastSeq unreadCount } pageInfo { hasNextPage endCursor } } }";

const MESSAGES: &str = "query($id: ID!, $after: String) { conversation(id: $id) { messages(first: 100, after: $after) { \
     nodes { id seq text editedAt recalledAt pinned reactions { emoji count } } pageInfo { hasNextPage endCursor } } } }";

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: Uuid,
    pub(crate) token: Arc<str>,
    account: Account,
}

/// A conversation in somebody's list.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    pub(crate) id: Uuid,
    pub(crate) last_seq: u64,
    pub(crate) unread_count: u64,
}

impl Person {
    /// Makes an account at a node.
    pub(crate) async fn register(node: &Node, username: &str) -> Result<Self> {
        let account = Api::new(&node.url())?.register(username).await?;
        Ok(Self {
            user: account.user,
            token: Arc::clone(&account.first_token),
            account,
        })
    }

    /// The person's conversations, as the read models of that node have them.
    pub(crate) async fn conversations(&self) -> Result<Vec<Listed>> {
        let listed = self.all(LIST, json!({}), "/conversations").await?;
        listed.into_iter().map(read).collect()
    }

    /// The messages of one of them.
    pub(crate) async fn messages(&self, conversation: Uuid) -> Result<BTreeMap<Uuid, Told>> {
        let variables = json!({ "id": conversation });
        let nodes = self.all(MESSAGES, variables, "/conversation/messages").await?;
        let messages = nodes.into_iter().map(|node| {
            let node: MessageNode = read(node)?;
            Ok((node.id, node.told))
        });
        messages.collect()
    }

    async fn all(&self, query: &str, variables: Value, list: &str) -> Result<Vec<Value>> {
        self.account.query_all(query, variables, list, None).await
    }
}

fn read<T: DeserializeOwned>(node: Value) -> Result<T> {
    serde_json::from_value(node).context("something of another shape")
}

#[derive(Deserialize)]
struct MessageNode {
    id: Uuid,
    #[serde(flatten)]
    told: Told,
}
