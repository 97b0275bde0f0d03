//! What the adapter asks of a node by HTTP: accounts and unread counts.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tidings_protocol::Position;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How long one answer may take, and how long a server that is too busy is asked again.
const CALL_LIMIT: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(250);

const UNREAD: &str = "query($id: ID!) { conversation(id: $id) { unreadCount } }";

/// One node.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    base: String,
}

#[derive(Deserialize)]
pub(super) struct Account {
    pub(super) user: Uuid,
    pub(super) token: String,
}

impl Http {
    pub(super) fn new(base: &str) -> Result<Self> {
        if !base.starts_with("http") {
            bail!("the address of a node must begin with http");
        }
        // Another part of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            client: reqwest::Client::builder().timeout(CALL_LIMIT).build()?,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// The address of the socket.
    pub(super) fn socket_url(&self) -> String {
        format!("{}/ws", self.base.replacen("http", "ws", 1))
    }

    pub(super) async fn register(&self, username: &str) -> Result<Account> {
        let body = json!({"username": username, "password": Uuid::new_v4().to_string()});
        self.post("/auth/register", &body, None)
            .await
            .with_context(|| format!("cannot register {username}"))
    }

    /// The unread count of the token's owner, from read models that include `after`.
    pub(super) async fn unread(&self, token: &str, conversation: Uuid, after: Position) -> Result<u64> {
        let body = json!({"query": UNREAD, "variables": {"id": conversation}});
        let asked = async {
            loop {
                let answer: Value = self.post("/graphql", &body, Some((token, after))).await?;
                let Some(error) = answer.pointer("/errors/0") else {
                    let count = answer
                        .pointer("/data/conversation/unreadCount")
                        .and_then(Value::as_u64);
                    return count.context("no unread count in the answer");
                };
                // The read models may lag.
                if error.pointer("/extensions/code") != Some(&json!("unavailable")) {
                    bail!("GraphQL answers {error}");
                }
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, asked)
            .await
            .context("the unread count was not told in time")?
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        session: Option<(&str, Position)>,
    ) -> Result<T> {
        let asked = async {
            loop {
                let mut request = self.client.post(format!("{}{path}", self.base)).json(body);
                if let Some((token, after)) = session {
                    request = request
                        .bearer_auth(token)
                        .header("tidings-after", after.to_string());
                }
                let response = request.send().await?;
                match response.status() {
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => sleep(PAUSE).await,
                    status if status.is_success() => return Ok(response.json().await?),
                    status => bail!(
                        "{path} answers {status}: {}",
                        response.text().await.unwrap_or_default()
                    ),
                }
            }
        };
        timeout(PATIENCE, asked)
            .await
            .with_context(|| format!("{path} takes too long"))?
    }
}
