//! Ending sessions, suspending users, granting roles.

use super::error::AccountError;
use super::refresh::RefreshToken;
use super::service::Accounts;
use crate::role::Role;
use std::net::IpAddr;
use uuid::Uuid;

impl Accounts {
    /// Ends the session that a refresh token belongs to, with its access tokens and connections.
    pub async fn logout(&self, refresh_token: &str, from: IpAddr) -> Result<(), AccountError> {
        let this = &*self.inner;
        this.guard.refresh(from)?;
        let bad = || this.guard.wrong_address(from, AccountError::BadRefreshToken);
        let token = RefreshToken::parse(refresh_token).ok_or_else(bad)?;
        let revoke = include_str!("sql/session_end_by_token.sql");
        let revoked = this.database.execute(revoke, &[&token.hash().as_slice()]).await?;
        if revoked == 0 {
            return Err(bad());
        }
        this.shared.standing.look().await?;
        Ok(())
    }

    /// Ends every session of a user, with their access tokens and connections. Returns how many sessions were ended.
    pub async fn revoke_sessions(&self, user: Uuid) -> Result<u64, AccountError> {
        let revoke = include_str!("sql/session_end_all.sql");
        let ended = self.inner.database.execute(revoke, &[&user]).await?;
        self.inner.shared.standing.look().await?;
        Ok(ended)
    }

    /// Suspends a user: nobody is admitted as them any more, and their tokens are refused, here at once and on other
    /// nodes within a second. Returns whether there is such a user.
    pub async fn suspend(&self, user: Uuid) -> Result<bool, AccountError> {
        self.set_suspended(include_str!("sql/account_suspend.sql"), user)
            .await
    }

    /// Takes a suspension back. Returns whether there is such a user.
    pub async fn reinstate(&self, user: Uuid) -> Result<bool, AccountError> {
        self.set_suspended(include_str!("sql/account_reinstate.sql"), user)
            .await
    }

    async fn set_suspended(&self, sql: &str, user: Uuid) -> Result<bool, AccountError> {
        let found = self.inner.database.execute(sql, &[&user]).await?;
        self.inner.shared.standing.look().await?;
        Ok(found == 1)
    }

    /// The user of that name, whatever the case of its letters.
    pub async fn user_named(&self, username: &str) -> Result<Option<Uuid>, AccountError> {
        let key = username.trim().to_ascii_lowercase();
        let find = include_str!("sql/account_by_name.sql");
        let row = self.inner.database.row(find, &[&key]).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Asks the database whether a user is suspended, past what an authenticator remembers.
    pub async fn is_suspended(&self, user: Uuid) -> Result<bool, AccountError> {
        let ask = include_str!("sql/account_suspended.sql");
        Ok(self.inner.database.row(ask, &[&user]).await?.is_some())
    }

    /// Sets what a user may do beyond others, from their next token on. Returns whether there is such a user.
    pub async fn set_roles(&self, user: Uuid, roles: &[Role]) -> Result<bool, AccountError> {
        let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let set = include_str!("sql/account_set_roles.sql");
        Ok(self.inner.database.execute(set, &[&user, &names]).await? == 1)
    }
}
