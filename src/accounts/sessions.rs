//! A user's sessions, as they see them and end them, and their password.

use super::admission::{Admission, Caller};
use super::error::AccountError;
use super::password::Verdict;
use super::principal::Principal;
use super::refresh::RefreshToken;
use super::rules::{Password, Username, prepare};
use super::service::Accounts;
use crate::role;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// Sessions that an account has at most. One more ends the one that was used longest ago.
pub(super) const SESSIONS_MAX: i64 = 200;

/// A login and all that was refreshed from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: Uuid,
    /// What began it, as far as it said.
    pub device: Option<String>,
    /// From where it was last used.
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// When it was last used for a login or a refresh.
    pub last_used_at: DateTime<Utc>,
}

impl Accounts {
    /// The sessions of a user that have not ended, the latest used first.
    pub async fn sessions(&self, user: Uuid) -> Result<Vec<Session>, AccountError> {
        let list = include_str!("sql/session_list.sql");
        let rows = self.inner.database.rows(list, &[&user, &SESSIONS_MAX]).await?;
        let sessions = rows.iter().map(Session::read).collect::<Result<_, _>>()?;
        Ok(sessions)
    }

    /// Ends a session of a user, with its tokens and connections. Returns whether there was such a session.
    pub async fn end_session(&self, user: Uuid, session: Uuid) -> Result<bool, AccountError> {
        let revoke = include_str!("sql/session_end.sql");
        let ended = self.inner.database.execute(revoke, &[&session, &user]).await? == 1;
        if ended {
            self.inner.shared.standing.look().await?;
        }
        Ok(ended)
    }

    /// Sets a new password for somebody who knows the old one. Their session goes on with the grant that is answered; every
    /// other one ends.
    pub async fn change_password(
        &self,
        principal: &Principal,
        password: &str,
        new_password: &str,
        from: impl Into<Caller>,
    ) -> Result<Admission, AccountError> {
        let this = &*self.inner;
        let from = from.into();
        this.guard.login(from.address)?;
        let find = include_str!("sql/account_password.sql");
        let row = this.database.row(find, &[&principal.user]).await?;
        let row = row.ok_or(AccountError::Wrong)?;
        let (name, stored): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        let roles: Vec<String> = row.try_get(2)?;
        // Whoever comes from an outside issuer has no password here, and no session.
        let (Some(session), Some(stored)) = (principal.session, stored) else {
            return Err(AccountError::NoPassword);
        };
        let username = Username::parse(&name).map_err(|_| AccountError::Wrong)?;
        let new = Password::parse(new_password, &username).map_err(|broken| broken.of("new_password"))?;
        self.check_password(&username, &stored, password, &from).await?;
        let turn = this.hasher.turn().await?;
        let hash = this.hasher.hash(turn, new.into_inner()).await?;
        let refresh = RefreshToken::random();
        let set = include_str!("sql/account_set_password.sql");
        let ttl_s = i64::from(this.config.refresh_ttl_s);
        let answer = this
            .database
            .row(
                set,
                &[
                    &principal.user,
                    &stored,
                    &hash,
                    &session,
                    &refresh.hash().as_slice(),
                    &ttl_s,
                ],
            )
            .await?;
        let set = answer.map(|row| row.try_get::<_, bool>(0)).transpose()?;
        if set != Some(true) {
            // Another change, or the session's end, came first.
            return Err(AccountError::Wrong);
        }
        this.shared.standing.look().await?;
        let roles = role::parse(roles.iter().map(String::as_str));
        this.admission(principal.user, &roles, session, &refresh)
    }

    /// Refuses whoever does not know the password of an account, which hashes to `stored`. Guesses count like those at the door.
    pub(super) async fn check_password(
        &self,
        username: &Username,
        stored: &str,
        password: &str,
        from: &Caller,
    ) -> Result<(), AccountError> {
        let hasher = &self.inner.hasher;
        let turn = hasher.turn().await?;
        self.attempt(&username.key(), from).await?;
        let password = prepare(password).unwrap_or_default();
        let verdict = hasher.verify(turn, password, Some(stored.to_owned())).await?;
        if verdict == Verdict::Wrong {
            return Err(self.wrong(&username.key(), from));
        }
        self.forget_attempts(&username.key(), from).await
    }
}

impl Session {
    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            device: row.try_get("device")?,
            address: row.try_get("address")?,
            created_at: row.try_get("created_at")?,
            last_used_at: row.try_get("last_used_at")?,
        })
    }
}
