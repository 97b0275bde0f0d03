//! Which conversations are direct ones.

use crate::error::{ProjectionError, within};
use crate::select::Sql;
use tidings_eventlog::Pool;
use uuid::Uuid;

static KINDS: Sql = Sql::new(include_str!("kinds.sql"));

/// Those of `conversations` that the read models have, each with whether it is a direct one, which it is for ever.
pub async fn are_direct(pool: &Pool, conversations: &[Uuid]) -> Result<Vec<(Uuid, bool)>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&KINDS.text(client.home())).await?;
        let rows = client.query(&statement, &[&conversations]).await?;
        let kind = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        Ok::<_, ProjectionError>(
            rows.iter()
                .map(kind)
                .collect::<Result<_, tokio_postgres::Error>>()?,
        )
    };
    within(pool.timeout(), reading).await
}
