//! Who has to do with somebody, in whatever way.

use crate::engine::session::SHORT;
use crate::error::{ProjectionError, within};
use crate::select::Sql;
use tidings_eventlog::Pool;
use uuid::Uuid;

static TIED: Sql = Sql::new(include_str!("tied.sql"));

/// Those who are contacts of `user`, wait for them or are waited for, block them or are blocked: `most` of them in the order of their ids,
/// behind `after`. One may be named several times.
pub async fn tied(pool: &Pool, user: Uuid, after: Uuid, most: i64) -> Result<Vec<Uuid>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&TIED.text(client.home())).await?;
        let rows = client.query(&statement, &[&user, &after, &most]).await?;
        Ok::<_, ProjectionError>(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    };
    within(SHORT, reading).await
}
