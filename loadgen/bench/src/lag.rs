//! How far the read models are behind the log.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::database::Database;

const EVERY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_mins(2);

/// Looks at the checkpoints again and again.
pub(crate) struct Lag {
    enough: oneshot::Sender<()>,
    watching: JoinHandle<Result<Behind>>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behind {
    /// Events between the log's heads and the read model furthest behind, at most, of those that readers wait for.
    pub(crate) most: u64,
    /// The same of what may lag: nobody waits for `search` but those who ask it.
    pub(crate) lagging: u64,
    /// Of all of them over time: seconds since the watch began, and events.
    pub(crate) series: Vec<(f64, f64)>,
    /// From the end of the watch until nothing was behind.
    pub(crate) catching_up: Duration,
}

impl Lag {
    /// Begins. The watch ends by itself when it is dropped.
    pub(crate) fn watch(database: Arc<Database>) -> Self {
        let (enough, mut told) = oneshot::channel();
        let watching = tokio::spawn(async move {
            let mut behind = Behind::default();
            let begun = Instant::now();
            while timeout(EVERY, &mut told).await.is_err() {
                let (prompt, lagging) = look(&database).await?;
                behind.most = behind.most.max(prompt);
                behind.lagging = behind.lagging.max(lagging);
                let all = prompt.max(lagging) as f64;
                behind.series.push((begun.elapsed().as_secs_f64(), all));
            }
            let end = Instant::now();
            while look(&database).await? != (0, 0) {
                if end.elapsed() > PATIENCE {
                    bail!("the read models do not catch up");
                }
                sleep(Duration::from_millis(20)).await;
            }
            behind.catching_up = end.elapsed();
            Ok(behind)
        });
        Self { enough, watching }
    }

    /// Waits until the read models are up to date and says what was seen.
    pub(crate) async fn end(self) -> Result<Behind> {
        // It ends by itself only with an error, which the next line shows.
        let _ = self.enough.send(());
        self.watching.await.context("the watch broke off")?
    }
}

/// Over all lanes, how far behind the last is that readers wait for, and how far what lags.
async fn look(database: &Database) -> Result<(u64, u64)> {
    let row = database
        .row(
            "SELECT coalesce(sum(prompt), 0)::bigint, coalesce(sum(lagging), 0)::bigint FROM ( \
               SELECT max(l.head - c.pos) FILTER (WHERE c.projection <> 'search') AS prompt, \
                      max(l.head - c.pos) FILTER (WHERE c.projection = 'search') AS lagging \
                 FROM log_lane l JOIN projection_checkpoint c USING (lane) \
                WHERE c.projection NOT LIKE '%\\_%' GROUP BY l.lane \
             ) lanes",
        )
        .await?;
    let events = |column| anyhow::Ok(u64::try_from(row.try_get::<_, i64>(column)?).unwrap_or(0));
    Ok((events(0)?, events(1)?))
}
