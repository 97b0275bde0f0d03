//! Read models that hold more than the log.

use crate::engine::session::SHORT;
use crate::error::{ProjectionError, within};
use crate::models;
use tidings_eventlog::Log;

/// The projections that have come further than the log in some lane: they hold what the log has lost, and stand still until
/// [`replay`](crate::engine::replay) has rebuilt them.
pub async fn ahead(log: &Log) -> Result<Vec<&'static str>, ProjectionError> {
    let sql = "SELECT DISTINCT c.projection FROM projection_checkpoint c JOIN log_lane l ON l.lane = c.lane WHERE c.pos > l.head";
    let rows = within(SHORT, async {
        let client = log.pool().get().await?;
        Ok::<_, ProjectionError>(client.query(sql, &[]).await?)
    })
    .await?;
    let labels: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let names = models::names().into_iter();
    Ok(names
        .filter(|name| labels.iter().any(|label| label == name))
        .collect())
}
