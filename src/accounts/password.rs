//! Argon2id, on threads of its own and only so much of it at a time.

use super::config::PasswordHashConfig;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Longer than a full queue takes on a slow machine; whoever waits longer has given up.
const TURN_LIMIT: Duration = Duration::from_secs(20);

/// Hashes and verifies passwords.
pub(super) struct Hasher {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// Stands in where there is nothing to compare with, so that unknown usernames cost the same work.
    nobody: Arc<str>,
}

/// The right to compute one hash.
pub(super) struct Turn {
    _queued: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

/// What became of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The password is right; with its new hash where the cost has changed since the old one.
    Right(Option<String>),
    Wrong,
}

#[derive(Debug, Error)]
pub(super) enum HashError {
    #[error("too many passwords are being checked")]
    Busy,
    #[error("hash a password: {0}")]
    Failed(String),
}

impl From<argon2::password_hash::Error> for HashError {
    fn from(error: argon2::password_hash::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<argon2::password_hash::phc::Error> for HashError {
    fn from(error: argon2::password_hash::phc::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Hasher {
    /// Fails when the parameters are not Argon2's.
    pub(super) async fn new(config: &PasswordHashConfig) -> Result<Self, HashError> {
        let params = Params::new(config.memory_kib, config.passes, config.lanes, None)
            .map_err(|error| HashError::Failed(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let turns = match config.concurrency {
            0 => (available_parallelism().map_or(1, NonZero::get) / 2).max(1),
            turns => turns,
        };
        let mut hasher = Self {
            argon2,
            turns: Arc::new(Semaphore::new(turns)),
            queue: Arc::new(Semaphore::new(turns + config.queue)),
            nobody: Arc::from(""),
        };
        let secret: [u8; 32] = rand::random();
        let turn = hasher.turn().await?;
        let nobody = hasher.compute(turn, move |argon2| hash(argon2, &secret)).await?;
        hasher.nobody = Arc::from(nobody);
        Ok(hasher)
    }

    /// Waits for a turn; refuses at once when too many wait already.
    pub(super) async fn turn(&self) -> Result<Turn, HashError> {
        let queued = Arc::clone(&self.queue)
            .try_acquire_owned()
            .map_err(|_| HashError::Busy)?;
        let turn = timeout(TURN_LIMIT, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(HashError::Busy)?;
        Ok(Turn {
            _queued: queued,
            _turn: turn,
        })
    }

    pub(super) async fn hash(&self, turn: Turn, password: String) -> Result<String, HashError> {
        self.compute(turn, move |argon2| hash(argon2, password.as_bytes()))
            .await
    }

    /// Compares with a stored hash, or does the same work in vain where there is none.
    pub(super) async fn verify(
        &self,
        turn: Turn,
        password: String,
        stored: Option<String>,
    ) -> Result<Verdict, HashError> {
        let nobody = Arc::clone(&self.nobody);
        self.compute(turn, move |argon2| {
            let parsed = PasswordHash::new(stored.as_deref().unwrap_or(&nobody))?;
            let right = match argon2.verify_password(password.as_bytes(), &parsed) {
                Ok(()) => stored.is_some(),
                Err(argon2::password_hash::Error::PasswordInvalid) => false,
                Err(error) => return Err(error.into()),
            };
            if !right {
                return Ok(Verdict::Wrong);
            }
            let renewed = if is_current(argon2, &parsed) {
                None
            } else {
                Some(hash(argon2, password.as_bytes())?)
            };
            Ok(Verdict::Right(renewed))
        })
        .await
    }

    async fn compute<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let argon2 = self.argon2.clone();
        // The turn ends with the work, also when nobody waits for it any more.
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&argon2)
        });
        work.await.map_err(|error| HashError::Failed(error.to_string()))?
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, HashError> {
    Ok(argon2.hash_password(password)?.to_string())
}

fn is_current(argon2: &Argon2<'_>, stored: &PasswordHash) -> bool {
    let wanted = argon2.params();
    stored.algorithm == argon2::ARGON2ID_IDENT
        && stored.version == Some(Version::V0x13.into())
        && Params::try_from(stored).is_ok_and(|used| {
            (used.m_cost(), used.t_cost(), used.p_cost())
                == (wanted.m_cost(), wanted.t_cost(), wanted.p_cost())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> PasswordHashConfig {
        PasswordHashConfig {
            memory_kib: 16,
            passes: 1,
            lanes: 1,
            concurrency: 1,
            queue: 1,
        }
    }

    async fn hasher(config: &PasswordHashConfig) -> Hasher {
        Hasher::new(config).await.unwrap()
    }

    async fn verify(hasher: &Hasher, password: &str, stored: Option<&str>) -> Verdict {
        let turn = hasher.turn().await.unwrap();
        hasher
            .verify(turn, password.to_owned(), stored.map(str::to_owned))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn only_the_same_password_is_right() {
        let hasher = hasher(&cheap()).await;
        let stored = hasher
            .hash(hasher.turn().await.unwrap(), "motor boat".to_owned())
            .await
            .unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{stored}");
        assert_eq!(
            verify(&hasher, "motor boat", Some(&stored)).await,
            Verdict::Right(None)
        );
        assert_eq!(
            verify(&hasher, "motor boat ", Some(&stored)).await,
            Verdict::Wrong
        );
        assert_eq!(verify(&hasher, "", Some(&stored)).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn nobody_has_the_cost_of_everybody() {
        let hasher = hasher(&cheap()).await;
        assert_eq!(verify(&hasher, "motor boat", None).await, Verdict::Wrong);
        let stand_in = PasswordHash::new(&hasher.nobody).unwrap();
        assert!(
            is_current(&hasher.argon2, &stand_in),
            "an unknown user must cost what a known one does"
        );
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_renewed() {
        let old = hasher(&cheap()).await;
        let stored = old
            .hash(old.turn().await.unwrap(), "motor boat".to_owned())
            .await
            .unwrap();
        let new = hasher(&PasswordHashConfig {
            memory_kib: 32,
            ..cheap()
        })
        .await;
        let Verdict::Right(Some(renewed)) = verify(&new, "motor boat", Some(&stored)).await else {
            panic!("the hash should have been renewed");
        };
        assert!(renewed.contains("m=32,"), "{renewed}");
        assert_eq!(
            verify(&new, "motor boat", Some(&renewed)).await,
            Verdict::Right(None)
        );
    }

    #[tokio::test]
    async fn more_than_can_wait_are_refused() {
        let hasher = hasher(&cheap()).await;
        let first = hasher.turn().await.unwrap();
        let mut second = Box::pin(hasher.turn());
        assert!(futures_util::poll!(&mut second).is_pending(), "one at a time");
        assert!(matches!(hasher.turn().await, Err(HashError::Busy)));
        drop(first);
        assert!(second.await.is_ok());
    }
}
