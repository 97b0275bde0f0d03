//! Accounts on a real database, over real HTTP.

#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs"
)]

mod attacks;
mod deletion;
mod flows;
mod guessing;
mod keys;
mod matters;
mod outside;
mod refreshing;
mod sessions;

use super::*;
use crate::lifecycle::Lifecycle;
use crate::rates::Rates;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_domain::event::{AccountDeleted, AccountMatter, DeletedBy};
use tidings_eventlog::{LogConfig, Pool, schema};
use tidings_services::testing::{TestDatabase, shared};
use tokio::net::TcpListener;
use uuid::Uuid;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "motor boat";

/// The log's side of the seam: what it was told, and whether it takes more.
#[derive(Default)]
struct Ledger {
    users: Mutex<HashMap<Uuid, NewUser>>,
    deleted: Mutex<HashMap<Uuid, AccountDeleted>>,
    /// By their ids.
    matters: Mutex<HashMap<Uuid, (Uuid, AccountMatter)>>,
    /// Those of whom it takes nothing.
    refused: Mutex<HashSet<Uuid>>,
    away: AtomicBool,
}

impl Registrar for Ledger {
    fn mint_user_id(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn register(&self, user: NewUser) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(async move {
            if self.away.load(Ordering::Relaxed) {
                return Err(RegistrarError);
            }
            self.users.lock().unwrap().insert(user.id, user);
            Ok(())
        })
    }

    fn delete(&self, user: Uuid, deleted: AccountDeleted) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(async move {
            if self.away.load(Ordering::Relaxed) || self.refused.lock().unwrap().contains(&user) {
                return Err(RegistrarError);
            }
            self.deleted.lock().unwrap().insert(user, deleted);
            Ok(())
        })
    }

    fn tell(&self, user: Uuid, id: Uuid, matter: AccountMatter) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(async move {
            if self.away.load(Ordering::Relaxed) {
                return Err(RegistrarError);
            }
            self.matters.lock().unwrap().insert(id, (user, matter));
            Ok(())
        })
    }
}

/// A database of accounts, and a node on it.
struct World {
    database: TestDatabase,
    ledger: Arc<Ledger>,
    lifecycle: Lifecycle,
    accounts: Accounts,
}

/// Settings that cost little; passwords are hashed for real.
fn cheap() -> AuthConfig {
    AuthConfig {
        password_hash: PasswordHashConfig {
            memory_kib: 16,
            passes: 1,
            ..PasswordHashConfig::default()
        },
        // However slow the machine is.
        timeout_ms: 60_000,
        ..AuthConfig::default()
    }
}

async fn migrated() -> TestDatabase {
    let migrate = async |url: String| {
        schema::migrate(
            &LogConfig::from_url(&url)?.with_timeout(Duration::from_mins(1)),
            1,
        )
        .await
        .map(|_| ())
    };
    shared().database("accounts", migrate).await.unwrap()
}

fn pool(url: &str) -> Pool {
    let mut config = LogConfig::from_url(url)
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    config.pool_size = 8;
    config.pool().unwrap()
}

/// Starts them where nobody else counts what addresses do.
async fn start(
    lifecycle: &Lifecycle,
    url: &str,
    config: AuthConfig,
    registrar: Arc<Ledger>,
) -> Result<Accounts, StartError> {
    Accounts::start(lifecycle, pool(url), config, registrar, &Rates::alone()).await
}

impl World {
    async fn new() -> Self {
        Self::with(cheap()).await
    }

    async fn with(config: AuthConfig) -> Self {
        let (database, ledger, lifecycle) = (migrated().await, Arc::<Ledger>::default(), Lifecycle::new());
        let registrar = Arc::clone(&ledger);
        let accounts = start(&lifecycle, database.url(), config, registrar)
            .await
            .unwrap();
        Self {
            database,
            ledger,
            lifecycle,
            accounts,
        }
    }

    /// Another node on the same database.
    async fn another(&self, config: AuthConfig) -> Accounts {
        let registrar = Arc::clone(&self.ledger);
        start(&self.lifecycle, self.database.url(), config, registrar)
            .await
            .unwrap()
    }

    async fn register(&self, username: &str) -> Admission {
        self.accounts
            .register(username, PASSWORD.to_owned(), None, HERE)
            .await
            .unwrap()
    }

    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        self.accounts.authenticator().verify(token, now()).await
    }

    async fn sql(&self, sql: &str) {
        let pool = pool(self.database.url());
        pool.get().await.unwrap().batch_execute(sql).await.unwrap();
    }

    async fn text(&self, sql: &str) -> String {
        let pool = pool(self.database.url());
        pool.get()
            .await
            .unwrap()
            .query_one(sql, &[])
            .await
            .unwrap()
            .get(0)
    }

    async fn serve(&self) -> Http {
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let service = self
            .accounts
            .routes()
            .into_make_service_with_connect_info::<SocketAddr>();
        let stop = self.lifecycle.stopping();
        let serving = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned());
        self.lifecycle
            .spawn_for_life("http", async move { serving.await.unwrap() });
        Http {
            base,
            client: issuer::http_client(Duration::from_secs(30)).unwrap(),
        }
    }
}

/// A client of the routes.
struct Http {
    base: String,
    client: reqwest::Client,
}

struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Http {
    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.client.post(format!("{}{path}", self.base)).json(&body))
            .await
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request.bearer_auth(token)).await
    }

    async fn delete(&self, path: &str, token: &str) -> Answer {
        let request = self.client.delete(format!("{}{path}", self.base));
        self.send(request.bearer_auth(token)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        Answer {
            status,
            headers,
            body,
        }
    }
}

impl Answer {
    fn code(&self) -> &str {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], self.status);
        self.body["code"].as_str().unwrap()
    }
}

fn now() -> DateTime<Utc> {
    crate::clock::now()
}

/// Tries until it is so, for at most half a minute.
async fn eventually<T>(what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
    let tries = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), tries)
        .await
        .unwrap_or_else(|_| panic!("{what}"))
}

fn credentials(username: &str, password: &str) -> Value {
    json!({"username": username, "password": password})
}
