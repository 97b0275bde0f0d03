//! Where somebody is now.

use crate::engine::session::SHORT;
use crate::error::{ProjectionError, within};
use crate::select::Sql;
use tidings_eventlog::Pool;
use tokio_postgres::Row;
use uuid::Uuid;

static PRESENT: Sql = Sql::new(include_str!("present.sql"));

/// A conversation that somebody is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    pub conversation: Uuid,
    /// It is one of two.
    pub is_direct: bool,
    /// The other one of the two.
    pub other: Option<Uuid>,
}

/// The conversations that `user` is in, `most` of them in the order of their ids, behind `after`.
pub async fn present(
    pool: &Pool,
    user: Uuid,
    after: Uuid,
    most: i64,
) -> Result<Vec<Present>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&PRESENT.text(client.home())).await?;
        let rows = client.query(&statement, &[&user, &after, &most]).await?;
        let read = |row: &Row| {
            Ok(Present {
                conversation: row.try_get("conversation")?,
                is_direct: row.try_get("direct")?,
                other: row.try_get("other")?,
            })
        };
        Ok::<_, ProjectionError>(
            rows.iter()
                .map(read)
                .collect::<Result<_, tokio_postgres::Error>>()?,
        )
    };
    within(SHORT, reading).await
}
