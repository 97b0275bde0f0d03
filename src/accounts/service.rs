//! The accounts of a node: what they are made of, and how they start.

use super::authenticator::{Authenticator, Shared};
use super::config::AuthConfig;
use super::database::Database;
use super::guard::Guard;
use super::identity::Identities;
use super::issuer::{Issuer, http_client};
use super::keys::Keys;
use super::password::Hasher;
use super::registrar::{NewUser, Registrar, RegistrarError};
use super::standing::Standing;
use super::upkeep;
use crate::lifecycle::Lifecycle;
use crate::rates::Rates;
use futures_util::future::BoxFuture;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tidings_domain::event::{AccountDeleted, AccountMatter};
use tidings_eventlog::Pool;
use uuid::Uuid;

/// The accounts of this server. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) config: AuthConfig,
    pub(super) database: Database,
    pub(super) shared: Arc<Shared>,
    pub(super) hasher: Hasher,
    pub(super) guard: Guard,
    pub(super) registrar: Arc<dyn Registrar>,
    pub(super) timeout: Duration,
}

/// Why accounts cannot be served.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct StartError(String);

impl Accounts {
    /// Opens the accounts of a migrated database and keeps them in order until the node stops.
    pub async fn start(
        lifecycle: &Lifecycle,
        pool: Pool,
        config: AuthConfig,
        registrar: Arc<dyn Registrar>,
        rates: &Rates,
    ) -> Result<Self, StartError> {
        let accounts = Self::open(pool, config, registrar, rates)
            .await
            .map_err(|error| StartError(error.to_string()))?;
        let upkeep = upkeep::run(Arc::clone(&accounts.inner), lifecycle.stopping());
        lifecycle.spawn_for_life("accounts", upkeep);
        Ok(accounts)
    }

    /// Opens the accounts of a migrated database to administer them, without serving them.
    pub async fn administer(pool: Pool, config: AuthConfig) -> Result<Self, StartError> {
        Self::open(pool, config, Arc::new(NoRegistrar), &Rates::alone())
            .await
            .map_err(|error| StartError(error.to_string()))
    }

    async fn open(
        pool: Pool,
        config: AuthConfig,
        registrar: Arc<dyn Registrar>,
        rates: &Rates,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        if config.token_ttl_s == 0 || config.refresh_ttl_s == 0 || config.timeout_ms == 0 {
            return Err(
                "`auth.token_ttl_s`, `auth.refresh_ttl_s` and `auth.timeout_ms` must be at least 1".into(),
            );
        }
        let wait = Duration::from_millis(config.timeout_ms);
        let database = Database::new(&pool, wait);
        let keys = Keys::open(&config, &database).await?;
        let token_ttl = Duration::from_secs(config.token_ttl_s.into());
        let standing = Standing::open(&database, token_ttl).await?;
        let issuers = outside_issuers(&config, wait)?;
        let identities = Identities::new(database.clone(), Arc::clone(&registrar), wait);
        let hasher = Hasher::new(&config.password_hash).await?;
        let guard = Guard::new(&config.limits, rates);
        let shared = Arc::new(Shared {
            keys,
            issuers,
            identities,
            standing,
        });
        let inner = Inner {
            config,
            database,
            shared,
            hasher,
            guard,
            registrar,
            timeout: wait,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// What verifies the tokens.
    pub fn authenticator(&self) -> Authenticator {
        Authenticator::new(Arc::clone(&self.inner.shared))
    }

    pub(super) fn config(&self) -> &AuthConfig {
        &self.inner.config
    }
}

/// Stands where there is no log.
struct NoRegistrar;

impl Registrar for NoRegistrar {
    fn mint_user_id(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn register(&self, _: NewUser) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(std::future::ready(Err(RegistrarError)))
    }

    /// Nodes find it.
    fn delete(&self, _: Uuid, _: AccountDeleted) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(std::future::ready(Err(RegistrarError)))
    }

    /// Nodes find it, too.
    fn tell(&self, _: Uuid, _: Uuid, _: AccountMatter) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(std::future::ready(Err(RegistrarError)))
    }
}

fn outside_issuers(
    config: &AuthConfig,
    wait: Duration,
) -> Result<Vec<Issuer>, Box<dyn std::error::Error + Send + Sync>> {
    let mut issuers: Vec<Issuer> = Vec::new();
    if config.issuers.is_empty() {
        return Ok(issuers);
    }
    let http = http_client(wait)?;
    for outside in &config.issuers {
        if outside.issuer == config.issuer || issuers.iter().any(|other| other.name() == outside.issuer) {
            return Err(format!("two issuers are called {:?}", outside.issuer).into());
        }
        let url: reqwest::Url = outside
            .jwks_url
            .parse()
            .map_err(|error| format!("`jwks_url` of {:?}: {error}", outside.issuer))?;
        // Whoever is on the way could hand out keys of their own.
        let here = url.host_str().is_some_and(is_loopback);
        if !(url.scheme() == "https" || url.scheme() == "http" && here) {
            return Err(format!("`jwks_url` of {:?} is not https", outside.issuer).into());
        }
        issuers.push(Issuer::new(outside.clone(), http.clone()));
    }
    Ok(issuers)
}

/// Whether a URL's host is this machine.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
