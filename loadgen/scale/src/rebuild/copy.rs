//! The rows of read models by COPY, which is as fast as PostgreSQL takes rows.

use std::time::{Duration, Instant};

use anyhow::Result;
use tidings_bench::database::Database;

use super::live;

/// What was copied.
pub(super) struct Copied {
    pub(super) rows: u64,
    /// Into the tables alone.
    took: Duration,
}

impl Copied {
    pub(super) fn rows_per_s(&self) -> f64 {
        self.rows as f64 / self.took.as_secs_f64()
    }
}

/// Copies the rows of every live read model, one table after the other, into tables like theirs.
pub(super) async fn copy(database: &Database) -> Result<Copied> {
    // Beside its own files the server may write, and they go with it.
    let directory: String = database.row("SHOW data_directory").await?.try_get(0)?;
    let file = format!("'{directory}/rebuild.copy' (FORMAT binary)");
    let mut copied = Copied {
        rows: 0,
        took: Duration::ZERO,
    };
    for table in live::tables(database).await? {
        database.batch_execute(&format!("COPY {table} TO {file}")).await?;
        let make = format!("CREATE TABLE copied (LIKE {table} INCLUDING ALL)");
        database.batch_execute(&make).await?;
        let fill = format!("COPY copied FROM {file}");
        let start = Instant::now();
        copied.rows += database.execute(&fill, &[]).await?;
        copied.took += start.elapsed();
        database.batch_execute("DROP TABLE copied").await?;
    }
    Ok(copied)
}
