//! The end of an account. Here it comes first: from then on nobody is admitted as that user. The log is told behind it, by whoever has deleted
//! the account or, where that could not be, by whichever node looks next.

use super::admission::Caller;
use super::database::DatabaseError;
use super::error::AccountError;
use super::principal::Principal;
use super::rules::Username;
use super::service::{Accounts, Inner};
use chrono::{DateTime, Utc};
use tidings_domain::event::{AccountDeleted, DeletedBy};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Deletions that are looked up at once.
const TOLD_AT_ONCE: i64 = 100;

impl Accounts {
    /// Deletes the account of somebody who knows its password. All of its sessions end.
    pub async fn delete_own(
        &self,
        principal: &Principal,
        password: &str,
        from: impl Into<Caller>,
    ) -> Result<(), AccountError> {
        let this = &*self.inner;
        let from = from.into();
        this.guard.login(from.address)?;
        let find = include_str!("sql/account_password.sql");
        let row = this.database.row(find, &[&principal.user]).await?;
        let row = row.ok_or(AccountError::Wrong)?;
        let (name, stored): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        // Whoever comes from an outside issuer has no password here.
        let stored = stored.ok_or(AccountError::NoPassword)?;
        let username = Username::parse(&name).map_err(|_| AccountError::Wrong)?;
        self.check_password(&username, &stored, password, &from).await?;
        if self.end(principal.user, Some(&stored), DeletedBy::Person).await? {
            Ok(())
        } else {
            // Another password, or another deletion, came first.
            Err(AccountError::Wrong)
        }
    }

    /// Deletes an account, whoever's it is. Returns whether there was one.
    pub async fn delete(&self, user: Uuid) -> Result<bool, AccountError> {
        self.end(user, None, DeletedBy::Operator).await
    }

    /// `stored` is what the password must hash to still, where one was asked for.
    async fn end(&self, user: Uuid, stored: Option<&str>, by: DeletedBy) -> Result<bool, AccountError> {
        let this = &*self.inner;
        let (delete, by_operator) = (include_str!("sql/account_delete.sql"), by == DeletedBy::Operator);
        let free = this.config.free_deleted_names;
        let row = this
            .database
            .row(delete, &[&user, &stored, &by_operator, &free])
            .await?;
        let deleted = row.map(|row| row.try_get::<_, bool>(0)).transpose()?;
        if deleted != Some(true) {
            return Ok(false);
        }
        // It is done, whatever becomes of the rest, which is tried again soon.
        if let Err(error) = this.shared.standing.look().await {
            tracing::warn!(%error, "ended sessions cannot be looked up");
        }
        // Those of others are left to upkeep: nobody waits for them here.
        this.tell_deletions(Some(user)).await;
        Ok(true)
    }
}

impl Inner {
    /// Tells the log of deletions that it does not know of, or of that of one user only. What it does not take now is told again later, and keeps
    /// none of the others.
    pub(super) async fn tell_deletions(&self, only: Option<Uuid>) {
        if let Err(error) = self.try_to_tell(only).await {
            tracing::warn!(%error, "deleted accounts cannot be looked up");
        }
    }

    async fn try_to_tell(&self, only: Option<Uuid>) -> Result<(), DatabaseError> {
        let untold = include_str!("sql/deletion_untold.sql");
        let mut place = (DateTime::<Utc>::UNIX_EPOCH, Uuid::nil());
        loop {
            let values: [&(dyn ToSql + Sync); 4] = [&TOLD_AT_ONCE, &only, &place.0, &place.1];
            let rows = self.database.rows(untold, &values).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            place = (last.try_get("deleted_at")?, last.try_get("id")?);
            for row in rows {
                self.tell(&row).await?;
            }
        }
    }

    async fn tell(&self, row: &Row) -> Result<(), DatabaseError> {
        let user: Uuid = row.try_get("id")?;
        let by_operator: bool = row.try_get("deleted_by_operator")?;
        let deleted = AccountDeleted {
            by: if by_operator {
                DeletedBy::Operator
            } else {
                DeletedBy::Person
            },
            name_freed: row.try_get("name_freed")?,
        };
        if let Ok(Ok(())) = timeout(self.timeout, self.registrar.delete(user, deleted)).await {
            let told = include_str!("sql/deletion_told.sql");
            self.database.execute(told, &[&user]).await?;
        } else {
            tracing::debug!(%user, "the log does not take a deletion just now");
        }
        Ok(())
    }
}
