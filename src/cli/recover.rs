//! `tidings recover`: what is to be done once when the log has gone back.

use super::rebuild;
use crate::config::Config;
use anyhow::Context as _;
use std::path::Path;
use std::process::ExitCode;

/// Begins a new time line in every lane, and rebuilds the read models that hold more than the log does. Says what it did.
/// Running it again begins another time line, for which clients come again, and changes nothing else.
pub(super) async fn recover(config: Config, data: &Path) -> anyhow::Result<ExitCode> {
    let (log_config, postgres) = rebuild::database(&config, data).await?;
    let recovered = async {
        let log = rebuild::open(&log_config).await?;
        let lanes = log.begin_time_line().await.context("the log cannot be written")?;
        for lane in &lanes {
            println!(
                "lane {}: time line {} begins behind position {}",
                lane.lane, lane.epoch, lane.head
            );
        }
        let ahead = tidings_projections::ahead(&log)
            .await
            .context("the read models cannot be compared with the log")?;
        Ok::<_, anyhow::Error>(ahead)
    }
    .await;
    rebuild::stop(postgres).await?;
    let ahead = recovered?;
    if ahead.is_empty() {
        println!("no read model holds more than the log");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "read models that hold more than the log: {}; rebuilding",
        ahead.join(", ")
    );
    let names: Vec<String> = ahead.into_iter().map(str::to_owned).collect();
    rebuild::replay(config, &names, data).await
}
