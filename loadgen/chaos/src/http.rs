//! What is asked of a node by HTTP: accounts, and the conversation list with its counts.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// How long one answer may take.
const CALL_LIMIT: Duration = Duration::from_secs(15);

const LIST: &str = "{ conversations(first: 100) { nodes { id lastSeq unreadCount } } }";

/// Asks nodes.
#[derive(Clone, Debug)]
pub(crate) struct Http(reqwest::Client);

/// Somebody with an account.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Person {
    pub(crate) user: Uuid,
    pub(crate) token: String,
}

/// A conversation in somebody's list.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    pub(crate) id: Uuid,
    pub(crate) last_seq: u64,
    pub(crate) unread_count: u64,
}

impl Http {
    pub(crate) fn new() -> Result<Self> {
        // Another part of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self(reqwest::Client::builder().timeout(CALL_LIMIT).build()?))
    }

    /// Makes an account at a node like `http://127.0.0.1:8080`.
    pub(crate) async fn register(&self, node: &str, username: &str) -> Result<Person> {
        let body = json!({"username": username, "password": Uuid::new_v4().to_string()});
        let answer = self
            .0
            .post(format!("{node}/auth/register"))
            .json(&body)
            .send()
            .await?;
        if !answer.status().is_success() {
            bail!(
                "{username} was not registered: {}",
                answer.text().await.unwrap_or_default()
            );
        }
        Ok(answer.json().await?)
    }

    /// Asks anything, and reads the whole answer, whatever it is.
    pub(crate) async fn ask(&self, node: &str, person: &Person, query: &str) -> Result<()> {
        let request = self.0.post(format!("{node}/graphql")).bearer_auth(&person.token);
        request
            .json(&json!({ "query": query }))
            .send()
            .await?
            .bytes()
            .await?;
        Ok(())
    }

    /// The conversations of somebody, as a node's read models have them.
    pub(crate) async fn conversations(&self, node: &str, person: &Person) -> Result<Vec<Listed>> {
        let request = self.0.post(format!("{node}/graphql")).bearer_auth(&person.token);
        let mut answer: Value = request.json(&json!({"query": LIST})).send().await?.json().await?;
        let nodes = answer
            .pointer_mut("/data/conversations/nodes")
            .map(Value::take)
            .with_context(|| format!("no conversations in the answer: {answer}"))?;
        Ok(serde_json::from_value(nodes)?)
    }
}
