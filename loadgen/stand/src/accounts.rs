//! A node's HTTP side: accounts and GraphQL.

use std::{fmt, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tidings_client::{Token, TokenFailure, TokenReason, Tokens};
use tidings_protocol::{Position, Timestamp};
use tokio::sync::Mutex;
use uuid::Uuid;

/// How long one call may take in all, waiting for a server that asks for patience included.
const CALL_TIMEOUT: Duration = Duration::from_mins(3);

/// A token with less left than this is replaced.
const TOKEN_MARGIN: Duration = Duration::from_mins(1);

/// One node.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
}

/// What the server answers to register, login and refresh.
#[derive(Deserialize)]
struct Grant {
    user: Uuid,
    token: String,
    expires_at: Timestamp,
    refresh_token: String,
}

impl Api {
    /// For a base address like `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Result<Self> {
        if !base.starts_with("http") {
            bail!("the address of a node must begin with http");
        }
        // Another part of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_mins(1))
            // The server closes a socket that idles for ten seconds, and a request must not meet that.
            .pool_idle_timeout(Duration::from_secs(3))
            .build()?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// The address of the socket.
    pub fn socket_url(&self) -> String {
        format!("{}/ws", self.base.replacen("http", "ws", 1))
    }

    /// Makes an account.
    pub async fn register(&self, username: &str) -> Result<Account> {
        let password = Uuid::new_v4().to_string();
        let body = json!({"username": username, "password": password, "display_name": username});
        let grant: Grant = self
            .call("/auth/register", &body)
            .await
            .with_context(|| format!("cannot register {username}"))?;
        Ok(Account {
            user: grant.user,
            first_token: grant.token.as_str().into(),
            api: self.clone(),
            grant: Arc::new(Mutex::new(grant)),
        })
    }

    /// What GraphQL answers, unread.
    pub async fn answer(&self, token: &str, query: &str, variables: Value) -> Result<bytes::Bytes> {
        let request = self
            .http
            .post(format!("{}/graphql", self.base))
            .bearer_auth(token);
        let request = request.json(&json!({ "query": query, "variables": variables }));
        Ok(request.send().await?.bytes().await?)
    }

    /// Fetches a path of the node and reads the whole answer, which must be a good one.
    pub async fn get(&self, path: &str) -> Result<bytes::Bytes> {
        let response = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(response.error_for_status()?.bytes().await?)
    }

    async fn call<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        self.post(path, body, None, None).await
    }

    /// Posts; waits as the server asks where it is too busy.
    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        token: Option<&str>,
        after: Option<Position>,
    ) -> Result<T> {
        let url = format!("{}{path}", self.base);
        let attempt = async {
            loop {
                let mut request = self.http.post(&url).json(body);
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                if let Some(after) = after {
                    request = request.header("tidings-after", after.to_string());
                }
                let response = request.send().await?;
                let status = response.status();
                if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
                    tokio::time::sleep(retry_after(&response)).await;
                    continue;
                }
                if status.is_client_error() || status.is_server_error() {
                    bail!(
                        "{path} answers {status}: {}",
                        response.text().await.unwrap_or_default()
                    );
                }
                return Ok(response.json().await?);
            }
        };
        tokio::time::timeout(CALL_TIMEOUT, attempt)
            .await
            .map_err(|_| anyhow!("{path} takes too long"))?
    }
}

fn retry_after(response: &Response) -> Duration {
    let header = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let seconds: u64 = header.and_then(|value| value.trim().parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds.clamp(1, 60))
}

/// What GraphQL says to something that it was asked once.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Data(Value),
    /// It is not done, by this code, and will not be.
    Refused(String),
}

/// The code of the first error of an answer, and the error.
fn refusal(answer: &Value) -> Option<(&str, &Value)> {
    let error = answer.pointer("/errors/0")?;
    let code = error.pointer("/extensions/code").and_then(Value::as_str);
    Some((code.unwrap_or_default(), error))
}

/// Whether a code says that the same may be answered otherwise in a moment.
fn is_passing(code: &str) -> bool {
    matches!(code, "unavailable" | "overloaded" | "rate_limited")
}

/// A registered person. Clones share the tokens.
#[derive(Clone)]
pub struct Account {
    pub user: Uuid,
    /// The token that came with the account, for those who need none for long.
    pub first_token: Arc<str>,
    api: Api,
    grant: Arc<Mutex<Grant>>,
}

impl Account {
    /// Tokens for connections, renewed before they expire.
    pub fn tokens(&self) -> Tokens {
        let account = self.clone();
        Tokens::provider(move |reason| {
            let account = account.clone();
            Box::pin(async move {
                let token = account.token(reason).await;
                token.map_err(|error| TokenFailure(format!("{error:#}")))
            })
        })
    }

    async fn token(&self, reason: TokenReason) -> Result<Token> {
        let mut grant = self.grant.lock().await;
        if reason != TokenReason::Connect || left(&grant) <= TOKEN_MARGIN {
            let body = json!({"refresh_token": grant.refresh_token});
            *grant = self.api.call("/auth/refresh", &body).await?;
        }
        let renew_in = left(&grant)
            .saturating_sub(TOKEN_MARGIN)
            .max(Duration::from_secs(5));
        Ok(Token::new(grant.token.clone()).renewed_in(renew_in))
    }

    /// Takes a new token, which says what the account may do by now.
    pub async fn renew(&self) -> Result<()> {
        self.token(TokenReason::Renew).await?;
        Ok(())
    }

    /// Stores a file of this person's, whose name is plain letters; answers its id.
    pub async fn upload(&self, name: &str, bytes: impl Into<bytes::Bytes>) -> Result<Uuid> {
        #[derive(Deserialize)]
        struct Stored {
            id: Uuid,
        }
        let bytes = bytes.into();
        let url = format!("{}/attachments?name={name}", self.api.base);
        let attempt = async {
            loop {
                let token = self.token(TokenReason::Connect).await?.text;
                let request = self.api.http.post(&url);
                let response = request.bearer_auth(token).body(bytes.clone()).send().await?;
                let status = response.status();
                if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
                    tokio::time::sleep(retry_after(&response)).await;
                    continue;
                }
                let stored: Stored = response.error_for_status()?.json().await?;
                return Ok(stored.id);
            }
        };
        tokio::time::timeout(CALL_TIMEOUT, attempt)
            .await
            .map_err(|_| anyhow!("storing a file takes too long"))?
    }

    /// Asks GraphQL as this person, of read models that include `after`; waits as the server asks.
    pub async fn query(&self, text: &str, variables: &Value, after: Option<Position>) -> Result<Value> {
        let body = json!({"query": text, "variables": variables});
        let attempt = async {
            loop {
                let token = self.token(TokenReason::Connect).await?.text;
                let answer: Value = self.api.post("/graphql", &body, Some(&token), after).await?;
                let Some((code, error)) = refusal(&answer) else {
                    return Ok(answer.get("data").cloned().unwrap_or_default());
                };
                if !is_passing(code) {
                    bail!("GraphQL answers {error}");
                }
                let millis = error
                    .pointer("/extensions/retry_after_ms")
                    .and_then(Value::as_u64);
                tokio::time::sleep(Duration::from_millis(millis.unwrap_or(250).clamp(10, 10_000))).await;
            }
        };
        tokio::time::timeout(CALL_TIMEOUT, attempt)
            .await
            .map_err(|_| anyhow!("GraphQL takes too long"))?
    }

    /// Asks a node of GraphQL as this person, once. An error leaves open what has come of it, also one that the node answers.
    pub async fn ask_once(
        &self,
        node: &Api,
        text: &str,
        variables: &Value,
        after: Option<Position>,
    ) -> Result<Answer> {
        let token = self.token(TokenReason::Connect).await?.text;
        let body = json!({"query": text, "variables": variables});
        let answer: Value = node.post("/graphql", &body, Some(&token), after).await?;
        match refusal(&answer) {
            None => Ok(Answer::Data(answer.get("data").cloned().unwrap_or_default())),
            Some((code, error)) if code.is_empty() || is_passing(code) => bail!("GraphQL answers {error}"),
            Some((code, _)) => Ok(Answer::Refused(code.to_owned())),
        }
    }

    /// All nodes of a list, page by page. `text` takes `$after` and names its list at `pointer`.
    pub async fn query_all(
        &self,
        text: &str,
        mut variables: Value,
        pointer: &str,
        after: Option<Position>,
    ) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let mut data = self.query(text, &variables, after).await?;
            let list = data
                .pointer_mut(pointer)
                .with_context(|| format!("no {pointer} in the answer"))?;
            if let Some(Value::Array(nodes)) = list.get_mut("nodes").map(Value::take) {
                all.extend(nodes);
            }
            if list.pointer("/pageInfo/hasNextPage") != Some(&Value::Bool(true)) {
                return Ok(all);
            }
            let cursor = list.pointer("/pageInfo/endCursor").cloned().unwrap_or_default();
            if cursor.is_null() || variables.get("after") == Some(&cursor) {
                bail!("{pointer} has a next page without a new cursor");
            }
            variables["after"] = cursor;
        }
    }
}

/// Tokens stay out of logs.
impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Account")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the lifetime of a token is told as a point of real time"
)]
fn left(grant: &Grant) -> Duration {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let expires = Duration::from_millis(u64::try_from(grant.expires_at.millis()).unwrap_or_default());
    expires.saturating_sub(now)
}
