//! Where the keys of our own tokens come from: the settings, or a table that all nodes share.

use super::config::{AuthConfig, SigningKey};
use super::database::{Database, DatabaseError};
use super::token::KeyRing;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// Below this HS256 could be searched.
const SECRET_BYTES_MIN: usize = 32;
/// Tokens with invented key names must not keep the database busy.
const RELOAD_INTERVAL: Duration = Duration::from_millis(200);

/// The key ring, kept current.
pub(super) struct Keys {
    issuer: String,
    ring: RwLock<Arc<KeyRing>>,
    source: Source,
    reloaded: Mutex<Instant>,
}

enum Source {
    Settings,
    Database {
        database: Database,
        age_max_s: i64,
        token_ttl_s: i64,
    },
}

#[derive(Debug, Error)]
pub(super) enum KeyError {
    #[error("the signing key {0:?} is shorter than {SECRET_BYTES_MIN} bytes")]
    Short(String),
    #[error("two signing keys are called {0:?}")]
    Twice(String),
    #[error("there is no signing key")]
    None,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Keys {
    /// Takes the keys from the settings, or else from the database, where it makes the first one.
    pub(super) async fn open(config: &AuthConfig, database: &Database) -> Result<Self, KeyError> {
        let (keys, source) = if config.signing_keys.is_empty() {
            let source = Source::Database {
                database: database.clone(),
                age_max_s: config.signing_key_age_s.into(),
                token_ttl_s: config.token_ttl_s.into(),
            };
            source.renew().await?;
            (source.load().await?, source)
        } else {
            (from_settings(&config.signing_keys)?, Source::Settings)
        };
        let ring = KeyRing::new(&config.issuer, &keys).ok_or(KeyError::None)?;
        Ok(Self {
            issuer: config.issuer.clone(),
            ring: RwLock::new(Arc::new(ring)),
            source,
            reloaded: Mutex::new(Instant::now()),
        })
    }

    pub(super) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a ring that was loaded after this was called. Callers share one load, and loads keep a distance.
    pub(super) async fn reload(&self) -> Result<Arc<KeyRing>, KeyError> {
        if matches!(self.source, Source::Settings) {
            return Ok(self.ring());
        }
        let asked = Instant::now();
        let mut reloaded = self.reloaded.lock().await;
        if *reloaded <= asked {
            sleep_until(*reloaded + RELOAD_INTERVAL).await;
            let begun = Instant::now();
            let ring = KeyRing::new(&self.issuer, &self.source.load().await?).ok_or(KeyError::None)?;
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
            *reloaded = begun;
        }
        Ok(self.ring())
    }

    /// Makes a new key when the newest is too old, and drops those that no living token was signed with.
    pub(super) async fn renew(&self) -> Result<(), KeyError> {
        self.source.renew().await?;
        self.reload().await.map(|_| ())
    }
}

impl Source {
    async fn load(&self) -> Result<Vec<(String, Vec<u8>)>, DatabaseError> {
        let Self::Database { database, .. } = self else {
            return Ok(Vec::new());
        };
        let rows = database
            .rows(include_str!("sql/signing_key_list.sql"), &[])
            .await?;
        rows.iter()
            .map(|row| Ok((row.try_get::<_, Uuid>(0)?.to_string(), row.try_get(1)?)))
            .collect()
    }

    async fn renew(&self) -> Result<(), DatabaseError> {
        let Self::Database {
            database,
            age_max_s,
            token_ttl_s,
        } = self
        else {
            return Ok(());
        };
        let secret: [u8; 32] = rand::random();
        let add = include_str!("sql/signing_key_add.sql");
        database
            .execute(add, &[&Uuid::new_v4(), &secret.as_slice(), age_max_s])
            .await?;
        let drop = include_str!("sql/signing_key_drop.sql");
        database.execute(drop, &[token_ttl_s]).await.map(|_| ())
    }
}

fn from_settings(keys: &[SigningKey]) -> Result<Vec<(String, Vec<u8>)>, KeyError> {
    let mut ring: Vec<(String, Vec<u8>)> = Vec::with_capacity(keys.len());
    for SigningKey { kid, secret } in keys {
        if secret.as_bytes().len() < SECRET_BYTES_MIN {
            return Err(KeyError::Short(kid.clone()));
        }
        if ring.iter().any(|(other, _)| other == kid) {
            return Err(KeyError::Twice(kid.clone()));
        }
        ring.push((kid.clone(), secret.as_bytes().to_vec()));
    }
    Ok(ring)
}

#[cfg(test)]
mod tests {
    use super::super::config::Secret;
    use super::*;

    #[test]
    fn weak_or_ambiguous_keys_are_refused() {
        let key = |kid: &str, bytes| SigningKey {
            kid: kid.to_owned(),
            secret: Secret::new("x".repeat(bytes)),
        };
        assert!(matches!(from_settings(&[key("a", 31)]), Err(KeyError::Short(_))));
        assert!(matches!(
            from_settings(&[key("a", 32), key("a", 33)]),
            Err(KeyError::Twice(_))
        ));
        assert_eq!(from_settings(&[key("a", 32), key("b", 33)]).unwrap()[0].0, "a");
        assert!(!format!("{:?}", key("a", 32)).contains("xx"));
    }
}
