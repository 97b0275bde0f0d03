//! The way back from a rebuild: the tables that it has replaced are brought up to date and put in place again.

use crate::engine::observer::{Progress, Stage};
use crate::engine::replay::{REBUILD, Replayed, Tables, begin, put_in_place};
use crate::engine::schema;
use crate::engine::session::{SHORT, Session};
use crate::engine::swap::KEPT;
use crate::engine::target::{Target, chosen};
use crate::error::{ProjectionError, within};
use tidings_eventlog::{Log, Pool};

/// Puts the tables that the last rebuild of a projection has replaced in place again, with what has happened since folded into them. What
/// is live now is kept in their stead, so that a second rollback takes the first one back. Readers and runners go on
/// meanwhile. On an error the live tables are as they were, and the kept ones stay, as far as they have come.
///
/// Tables of another time line or with other lanes are not gone back to: [`ProjectionError::NothingKept`].
pub async fn rollback(
    log: &Log,
    name: &str,
    workers: usize,
    progress: &dyn Progress,
) -> Result<Replayed, ProjectionError> {
    let projections = chosen(&[name])?;
    let mut admin = Session::admin(log.pool()).await?;
    if !admin.try_lock(REBUILD).await? {
        return Err(ProjectionError::Busy);
    }
    let going_back = async {
        for projection in &projections {
            let kept = Target::beside(log.pool().home(), *projection, KEPT);
            if !within(SHORT, take_over(&mut admin, &kept)).await? {
                return Err(ProjectionError::NothingKept(projection.name()));
            }
        }
        progress.stage(Stage::Building);
        let build = begin(&mut admin, log, &projections, KEPT, workers, progress).await?;
        put_in_place(&mut admin, &build, Tables::Kept).await
    };
    let done = Box::pin(going_back).await;
    admin.unlock(REBUILD).await;
    done
}

/// Whether a [`rollback`] of the projection has tables to go back to.
pub async fn is_kept(pool: &Pool, name: &str) -> Result<bool, ProjectionError> {
    let projections = chosen(&[name])?;
    let looking = async {
        let mut client = pool.get().await?;
        let transaction = client.transaction().await?;
        for projection in projections {
            if !schema::is_of_now(&transaction, &Target::beside(pool.home(), projection, KEPT)).await? {
                return Ok(false);
            }
        }
        Ok::<_, ProjectionError>(true)
    };
    within(SHORT, looking).await
}

/// Makes tables that another program may have made this one's to go on with. Returns whether they can be.
async fn take_over(admin: &mut Session, kept: &Target) -> Result<bool, ProjectionError> {
    let home = admin.home.clone();
    let transaction = admin.client.transaction().await?;
    schema::exclusive(&transaction, &home).await?;
    let can_be = schema::is_of_now(&transaction, kept).await?;
    if can_be {
        let origin = schema::origin(&transaction, kept).await?;
        schema::note(&transaction, kept, &origin).await?;
    }
    transaction.commit().await?;
    Ok(can_be)
}
