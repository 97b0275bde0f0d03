//! How far somebody has read.

use crate::error::{ProjectionError, within};
use crate::select::Sql;
use tidings_eventlog::Pool;
use uuid::Uuid;

static READ_SEQS: Sql = Sql::new(include_str!("read_seqs.sql"));

/// How far `user` has read each of `conversations`, in the same order; `None` where nothing is known to be read. It may be
/// less than the log says.
pub async fn read_seqs(
    pool: &Pool,
    user: Uuid,
    conversations: &[Uuid],
) -> Result<Vec<Option<u64>>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&READ_SEQS.text(client.home())).await?;
        let rows = client.query(&statement, &[&user, &conversations]).await?;
        let seq = |row: &tokio_postgres::Row| {
            row.try_get::<_, Option<i64>>(0)
                .map(|seq| seq.map(|seq| seq as u64))
        };
        Ok::<_, ProjectionError>(rows.iter().map(seq).collect::<Result<_, _>>()?)
    };
    within(pool.timeout(), reading).await
}
