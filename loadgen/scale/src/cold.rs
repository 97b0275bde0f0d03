//! Makes a log cold: neither PostgreSQL nor the system has any of it in memory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::long_log::LongLog;
use tidings_bench::database::Database;

const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Stops the node and PostgreSQL, has the system forget the pages of all files, and starts both again.
pub(crate) async fn cool(log: &LongLog) -> Result<()> {
    let database = Database::open(&log.stand.database_url()).await?;
    // With everything flushed, starting again reads next to nothing of it.
    database.batch_execute("CHECKPOINT").await?;
    let row = database.query_one("SHOW data_directory", &[]).await?;
    let data = PathBuf::from(row.try_get::<_, String>(0)?);
    drop(database);
    log.node().stop(STOP_LIMIT).await;
    log.stand.postgres().stop_immediate().await?;
    tokio::task::spawn_blocking(move || forget(&data)).await??;
    log.stand.postgres().restart().await?;
    log.node().launch(&[]).await?;
    log.node().ready().await
}

/// Has the system drop the pages of all files below a directory. Only what is written back can be dropped.
fn forget(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            forget(&path)?;
        } else if path.is_file() {
            let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
            file.sync_all()?;
            drop_pages(&file)?;
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn drop_pages(file: &File) -> Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?)
}

/// Other systems have no such call; there only PostgreSQL's own memory is cold.
#[cfg(not(target_os = "linux"))]
fn drop_pages(_file: &File) -> Result<()> {
    Ok(())
}
