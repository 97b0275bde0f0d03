//! Statements of the administration, each with a time-out.

use tidings_eventlog::{Pool, describe};
use tidings_graphql::Refusal;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// A quarter of the sessions for tables at most: administrators keep nobody else from theirs.
pub(super) struct Tables(Pool);

impl Tables {
    pub(super) fn new(pool: &Pool) -> Self {
        Self(pool.portion(pool.max_size() / 4))
    }

    pub(super) async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Refusal> {
        let answer = timeout(self.0.timeout(), async {
            let client = self.0.get().await.map_err(|error| error.to_string())?;
            let answer = async {
                let statement = client.prepare_cached(sql).await?;
                client.query(&statement, values).await
            };
            answer.await.map_err(|error| describe(&error))
        });
        let answer = answer
            .await
            .unwrap_or_else(|_| Err("it took too long".to_owned()));
        answer.map_err(|error| {
            tracing::warn!(error, "a statement of the administration failed");
            unavailable()
        })
    }
}

pub(super) fn unavailable() -> Refusal {
    Refusal::unavailable("the database does not answer just now")
}

/// A row that is not as this version expects it.
pub(super) fn unreadable(error: &tokio_postgres::Error) -> Refusal {
    tracing::warn!(%error, "a row of the administration cannot be read");
    unavailable()
}
