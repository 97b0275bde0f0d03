//! Users of outside issuers: at first sight they get an account of ours.

use super::database::{Database, DatabaseError};
use super::issuer::Outsider;
use super::principal::AuthError;
use super::registrar::{NewUser, Registrar};
use super::rules::{
    DISPLAY_NAME_CHARS_MAX, DisplayName, USERNAME_LEN_MAX, USERNAME_LEN_MIN, username_character,
};
use crate::role::{self, Role};
use lru::LruCache;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Users remembered, so that a token costs no query each time.
const REMEMBERED_MAX: usize = 50_000;
/// How long, so that a change of roles arrives.
pub(super) const REMEMBERED_FOR: Duration = Duration::from_mins(1);
/// How many usernames are tried before giving up; all but the first end in random digits.
const NAMES_TRIED: usize = 6;

const RESERVED: [&str; 16] = [
    "abuse",
    "admin",
    "administrator",
    "everyone",
    "help",
    "hostmaster",
    "info",
    "moderator",
    "postmaster",
    "root",
    "security",
    "support",
    "sysadmin",
    "system",
    "tidings",
    "webmaster",
];

/// Maps issuer and subject to accounts.
pub(super) struct Identities {
    database: Database,
    registrar: Arc<dyn Registrar>,
    timeout: Duration,
    remembered: Mutex<LruCache<(String, String), Known>>,
}

#[derive(Clone)]
struct Known {
    user: Uuid,
    roles: Vec<Role>,
    until: Instant,
}

#[derive(Debug, Error)]
enum IdentityError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the log did not take the registration")]
    Log,
    #[error("no free username was found")]
    NoName,
}

impl From<tokio_postgres::Error> for IdentityError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Identities {
    pub(super) fn new(database: Database, registrar: Arc<dyn Registrar>, timeout: Duration) -> Self {
        Self {
            database,
            registrar,
            timeout,
            remembered: Mutex::new(LruCache::unbounded()),
        }
    }

    /// Returns the account of a verified outsider. Their roles are those that our own account has: an outside token
    /// cannot grant any.
    pub(super) async fn account(
        &self,
        issuer: &str,
        outsider: &Outsider,
    ) -> Result<(Uuid, Vec<Role>), AuthError> {
        let key = (issuer.to_owned(), outsider.subject.clone());
        if let Some(known) = self.recall(&key) {
            return Ok((known.user, known.roles));
        }
        let found = self.find_or_make(issuer, outsider).await.map_err(|error| {
            tracing::warn!(issuer, %error, "an outside user could not be looked up");
            AuthError::Unavailable
        })?;
        let (user, roles) = found?;
        let known = Known {
            user,
            roles: roles.clone(),
            until: Instant::now() + REMEMBERED_FOR,
        };
        self.remember(key, known);
        Ok((user, roles))
    }

    fn recall(&self, key: &(String, String)) -> Option<Known> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered
            .get(key)
            .filter(|known| known.until > Instant::now())
            .cloned()
    }

    fn remember(&self, key: (String, String), known: Known) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.put(key, known);
        if remembered.len() > REMEMBERED_MAX {
            remembered.pop_lru();
        }
    }

    /// The answer in the answer is whether they are let in.
    async fn find_or_make(
        &self,
        issuer: &str,
        outsider: &Outsider,
    ) -> Result<Result<(Uuid, Vec<Role>), AuthError>, IdentityError> {
        let find = include_str!("sql/identity_find.sql");
        // Two tries: whoever loses the race to make the account finds the winner's.
        for _ in 0..2 {
            if let Some(row) = self.database.row(find, &[&issuer, &outsider.subject]).await? {
                if row.try_get(5)? {
                    return Ok(Err(AuthError::Suspended));
                }
                if row.try_get(6)? {
                    return Ok(Err(AuthError::Ended));
                }
                let (id, roles): (Uuid, Vec<String>) = (row.try_get(0)?, row.try_get(3)?);
                if !row.try_get::<_, bool>(4)? {
                    let user = NewUser {
                        id,
                        username: row.try_get(1)?,
                        display_name: row.try_get(2)?,
                    };
                    self.announce(user).await?;
                }
                return Ok(Ok((id, role::parse(roles.iter().map(String::as_str)))));
            }
            match self.make(issuer, outsider).await {
                Ok(user) => {
                    let id = user.id;
                    self.announce(user).await?;
                    return Ok(Ok((id, Vec::new())));
                }
                Err(IdentityError::Database(DatabaseError::Taken)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(IdentityError::NoName)
    }

    /// Fails with `Taken` when the identity has come to exist meanwhile.
    async fn make(&self, issuer: &str, outsider: &Outsider) -> Result<NewUser, IdentityError> {
        let insert = include_str!("sql/identity_create.sql");
        let id = self.registrar.mint_user_id();
        let base = username_base(
            outsider
                .preferred_username
                .as_deref()
                .unwrap_or(&outsider.subject),
        );
        for attempt in 0..NAMES_TRIED {
            let username = if attempt == 0 && !is_reserved(&base) {
                base.clone()
            } else {
                with_digits(&base, rand::random())
            };
            let display_name = display_name(outsider.name.as_deref(), &username);
            let key = username.to_ascii_lowercase();
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&id, &username, &key, &display_name, &issuer, &outsider.subject];
            if self.database.execute(insert, &values).await? == 1 {
                return Ok(NewUser {
                    id,
                    username,
                    display_name,
                });
            }
        }
        Err(IdentityError::NoName)
    }

    async fn announce(&self, user: NewUser) -> Result<(), IdentityError> {
        let id = user.id;
        match timeout(self.timeout, self.registrar.register(user)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(IdentityError::Log),
        }
        let mark = include_str!("sql/account_announce.sql");
        self.database.execute(mark, &[&id]).await?;
        Ok(())
    }
}

/// Makes a username of whatever the issuer calls its user.
fn username_base(preferred: &str) -> String {
    let local = preferred.split('@').next().unwrap_or_default();
    let allowed: String = local
        .chars()
        .map(|c| if username_character(c) { c } else { '-' })
        .collect();
    let begun = allowed.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let mut name: String = begun.chars().take(USERNAME_LEN_MAX).collect();
    if name.len() < USERNAME_LEN_MIN {
        name = if name.is_empty() {
            "user".to_owned()
        } else {
            format!("user-{name}")
        };
    }
    name
}

/// Names that people take for the server's own. An issuer outside cannot give them away.
fn is_reserved(name: &str) -> bool {
    RESERVED
        .iter()
        .any(|reserved| name.eq_ignore_ascii_case(reserved))
}

fn with_digits(base: &str, random: u32) -> String {
    let digits = format!("-{:06}", random % 1_000_000);
    let kept = base.len().min(USERNAME_LEN_MAX - digits.len());
    format!("{}{digits}", &base[..kept])
}

fn display_name(name: Option<&str>, username: &str) -> String {
    let cut: Option<String> = name.map(|name| name.trim().chars().take(DISPLAY_NAME_CHARS_MAX).collect());
    let parsed = cut.and_then(|name| DisplayName::parse(&name).ok());
    parsed.map_or_else(|| username.to_owned(), |name| name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::rules::Username;
    use super::*;

    #[test]
    fn any_subject_makes_a_username() {
        for (subject, username) in [
            ("ada", "ada"),
            ("ada.lovelace@example.org", "ada.lovelace"),
            ("auth0|5f7c8ec7c33c6c004bbafe82", "auth0-5f7c8ec7c33c6c004bbafe82"),
            ("__x", "user-x"),
            ("", "user"),
            ("@", "user"),
            ("ädä", "user-d-"),
        ] {
            assert_eq!(username_base(subject), username);
        }
        for subject in ["x".repeat(500), "♥".repeat(500), "-".to_owned(), "a b".to_owned()] {
            let base = username_base(&subject);
            assert!(Username::parse(&base).is_ok(), "{base:?}");
            let other = with_digits(&base, 7);
            assert!(
                other.ends_with("-000007") && Username::parse(&other).is_ok(),
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_bad_display_name_falls_back() {
        assert_eq!(display_name(Some(" Ada Lovelace "), "ada"), "Ada Lovelace");
        assert_eq!(display_name(Some("a\nb"), "ada"), "ada");
        assert_eq!(display_name(None, "ada"), "ada");
        assert_eq!(display_name(Some(&"x".repeat(500)), "ada").len(), 64);
    }
}
