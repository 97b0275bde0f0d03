//! How far the read models are behind the log.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, NoTls};

const EVERY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_mins(2);

/// Looks at the checkpoints again and again.
pub(crate) struct Lag {
    enough: oneshot::Sender<()>,
    watching: JoinHandle<Result<Behind>>,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Behind {
    /// Events between the log's heads and the read model furthest behind, at most.
    pub(crate) most: u64,
    /// From the end of the watch until nothing was behind.
    pub(crate) catching_up: Duration,
}

impl Lag {
    pub(crate) async fn watch(database_url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(database_url, NoTls).await?;
        let (enough, mut told) = oneshot::channel();
        let watching = tokio::spawn(async move {
            // Ends with the client, which this task owns.
            tokio::spawn(connection);
            let mut behind = Behind::default();
            while told.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                behind.most = behind.most.max(look(&client).await?);
                sleep(EVERY).await;
            }
            let end = Instant::now();
            while look(&client).await? > 0 {
                if end.elapsed() > PATIENCE {
                    bail!("the read models do not catch up");
                }
                sleep(Duration::from_millis(20)).await;
            }
            behind.catching_up = end.elapsed();
            Ok(behind)
        });
        Ok(Self { enough, watching })
    }

    /// Waits until the read models are up to date and says what was seen.
    pub(crate) async fn end(self) -> Result<Behind> {
        // It ends by itself only with an error, which the next line shows.
        let _ = self.enough.send(());
        self.watching.await.context("the watch broke off")?
    }
}

async fn look(client: &Client) -> Result<u64> {
    let row = client
        .query_one(
            "SELECT coalesce(sum(behind), 0)::bigint FROM ( \
               SELECT l.lane, max(l.head - c.pos) AS behind FROM log_lane l JOIN projection_checkpoint c USING (lane) GROUP BY l.lane \
             ) lanes",
            &[],
        )
        .await?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}
