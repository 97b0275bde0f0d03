//! Tables that change places: what was built becomes live, and what was live is kept for a way back.

use crate::engine::build::Build;
use crate::engine::schema;
use crate::engine::session::{SHORT, Session};
use crate::engine::target::Target;
use crate::engine::version;
use crate::error::{ProjectionError, within};
use deadpool_postgres::Transaction;
use tidings_eventlog::Home;

/// The suffix of tables that were live before the last swap.
pub(crate) const KEPT: &str = "old";
/// The suffix of tables that were kept, and are to go.
const SPENT: &str = "gone";

/// Gives what was built, with its checkpoints and its parked events, the live names. What was live is kept, and what was kept before is
/// put aside, for [`drop_spent`]: until this is committed there is a way back.
pub(crate) async fn swap(
    transaction: &Transaction<'_>,
    home: &Home,
    built: &Target,
) -> Result<(), ProjectionError> {
    let live = Target::live(home, built.projection);
    let beside = |suffix| Target::beside(home, built.projection, suffix);
    let [aside, kept, spent] = ["aside", KEPT, SPENT].map(beside);
    schema::add_lanes(transaction, built).await?;
    rename(transaction, &live, &aside).await?;
    rename(transaction, built, &live).await?;
    schema::drop(transaction, &spent).await?;
    rename(transaction, &kept, &spent).await?;
    rename(transaction, &aside, &kept).await?;
    Ok(version::go_live(&**transaction, &[&live]).await?)
}

/// Gives tables, if they are there, and what says how far they are another name.
async fn rename(transaction: &Transaction<'_>, from: &Target, to: &Target) -> Result<(), ProjectionError> {
    if schema::exists(transaction, &from.schema).await? {
        let sql = format!("ALTER SCHEMA {} RENAME TO {}", from.quoted, to.quoted);
        transaction.batch_execute(&sql).await?;
    }
    for table in ["projection_checkpoint", "projection_parked"] {
        let version = from.projection.version();
        let sql = format!("UPDATE {table} SET projection = $3 WHERE projection = $1 AND version = $2");
        transaction
            .execute(&sql, &[&from.label, &version, &to.label])
            .await?;
    }
    Ok(())
}

/// Drops what swaps have put aside, as far as that is possible now.
pub(crate) async fn drop_spent(admin: &mut Session, build: &Build<'_>) {
    let home = build.log.pool().home();
    let dropping = async {
        let transaction = admin.client.transaction().await?;
        schema::exclusive(&transaction, home).await?;
        for target in &build.targets {
            schema::drop(&transaction, &Target::beside(home, target.projection, SPENT)).await?;
        }
        transaction.commit().await?;
        Ok::<_, ProjectionError>(())
    };
    if let Err(error) = within(SHORT, dropping).await {
        tracing::warn!(%error, "what is kept no more stays until the next rebuild");
    }
}
