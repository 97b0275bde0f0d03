//! What people are told of their accounts, by notices of their own streams. Each is noted in the transaction that does what it tells, so none is
//! lost, and none is told of what was not done. The log is told behind that, by whichever node looks next.

use super::database::DatabaseError;
use super::service::Inner;
use chrono::{DateTime, Utc};
use tidings_domain::event::AccountMatter;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Matters that are looked up at once.
const TOLD_AT_ONCE: i64 = 100;

impl Inner {
    /// Tells the log of matters that it does not know of. What it does not take now is told again later, and keeps none of the others.
    pub(super) async fn tell_matters(&self) {
        if let Err(error) = self.try_to_tell_matters().await {
            tracing::warn!(%error, "matters of accounts cannot be looked up");
        }
    }

    async fn try_to_tell_matters(&self) -> Result<(), DatabaseError> {
        let untold = include_str!("sql/matter_untold.sql");
        let mut place = (DateTime::<Utc>::UNIX_EPOCH, Uuid::nil());
        loop {
            let values: [&(dyn ToSql + Sync); 3] = [&TOLD_AT_ONCE, &place.0, &place.1];
            let rows = self.database.rows(untold, &values).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            place = (last.try_get("at")?, last.try_get("id")?);
            for row in rows {
                self.tell_matter(&row).await?;
            }
        }
    }

    async fn tell_matter(&self, row: &Row) -> Result<(), DatabaseError> {
        let (id, user): (Uuid, Uuid) = (row.try_get("id")?, row.try_get("account")?);
        let told: &str = row.try_get("told")?;
        // One of a newer version is told by a newer node.
        let matter = match serde_json::from_str(told) {
            Ok(AccountMatter::Unknown) | Err(_) => return Ok(()),
            Ok(matter) => matter,
        };
        if let Ok(Ok(())) = timeout(self.timeout, self.registrar.tell(user, id, matter)).await {
            let told = include_str!("sql/matter_told.sql");
            self.database.execute(told, &[&id]).await?;
        } else {
            tracing::debug!(%user, "the log does not take a matter of an account just now");
        }
        Ok(())
    }
}
