//! Where somebody is not, and may come to be.

use crate::engine::session::SHORT;
use crate::error::{ProjectionError, within};
use crate::select::Sql;
use tidings_eventlog::Pool;
use uuid::Uuid;

static WAITING: Sql = Sql::new(include_str!("waiting.sql"));

/// The groups into which `user` is invited, told or not, or asks to be let in: `most` of them in the order of their ids, behind `after`. One may
/// be named several times.
pub async fn waiting(pool: &Pool, user: Uuid, after: Uuid, most: i64) -> Result<Vec<Uuid>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&WAITING.text(client.home())).await?;
        let rows = client.query(&statement, &[&user, &after, &most]).await?;
        Ok::<_, ProjectionError>(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    };
    within(SHORT, reading).await
}
