//! Login by password, and what wrong passwords cost.

use super::admission::{Admission, Caller, Entrant};
use super::error::AccountError;
use super::password::Verdict;
use super::rules::{Username, prepare};
use super::service::Accounts;
use crate::rates::address_key;
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

impl Accounts {
    /// Admits a user by password. What is wrong, the name or the password, shows neither in the answer nor in the
    /// work it takes. White space around the name is dropped: people do not see it.
    pub async fn login(
        &self,
        username: &str,
        password: String,
        from: impl Into<Caller>,
    ) -> Result<Admission, AccountError> {
        let this = &*self.inner;
        let from = from.into();
        this.guard.login(from.address)?;
        let wrong = || this.guard.wrong_address(from.address, AccountError::Wrong);
        let username = Username::parse(username.trim()).map_err(|_| wrong())?;
        let password = prepare(&password).ok_or_else(wrong)?;
        let key = username.key();
        this.guard.name(&key, from.address)?;
        // The turn comes first, so that an attempt is not counted when there is no time for it.
        let turn = this.hasher.turn().await?;
        let row = self.attempt(&key, &from).await?;
        let known: Option<Uuid> = row.try_get("o_id")?;
        let verdict = this
            .hasher
            .verify(turn, password, row.try_get("o_password_hash")?)
            .await?;
        let (Verdict::Right(renewed), Some(_)) = (verdict, known) else {
            return Err(self.wrong(&key, &from));
        };
        self.forget_attempts(&key, &from).await?;
        this.admit(Entrant::read(&row)?, renewed, &from, true).await
    }

    /// Counts an attempt as failed before it is made; returns what is known of the account. Refused where it comes too early.
    pub(super) async fn attempt(&self, key: &str, from: &Caller) -> Result<Row, AccountError> {
        let limits = &self.inner.config.limits;
        let begin = include_str!("sql/login_begin.sql");
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let address = address_key(from.address).to_string();
        let row = self
            .inner
            .database
            .row(
                begin,
                &[
                    &key,
                    &address,
                    &number(limits.name_failures),
                    &number(limits.name_failures_everywhere),
                    &limits.name_delay_ms.cast_signed(),
                    &limits.name_delay_ms_max.cast_signed(),
                ],
            )
            .await?;
        let row = row.ok_or_else(|| AccountError::Unavailable("a login had no answer".to_owned()))?;
        let locked_ms: i64 = row.try_get("o_locked_ms")?;
        if locked_ms > 0 {
            return Err(AccountError::TooMany {
                wait: Duration::from_millis(locked_ms.unsigned_abs()),
            });
        }
        Ok(row)
    }

    /// Takes back what was counted of a name, at this address and at all together; guesses from elsewhere stay counted.
    pub(super) async fn forget_attempts(&self, key: &str, from: &Caller) -> Result<(), AccountError> {
        self.inner.guard.right_name(key, from.address);
        let forget = include_str!("sql/login_forget.sql");
        let address = address_key(from.address).to_string();
        self.inner.database.execute(forget, &[&key, &address]).await?;
        Ok(())
    }

    /// Counts a wrong password in memory too.
    pub(super) fn wrong(&self, key: &str, from: &Caller) -> AccountError {
        self.inner.guard.wrong_name(key, from.address);
        self.inner.guard.wrong_address(from.address, AccountError::Wrong)
    }
}
