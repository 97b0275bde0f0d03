//! Read models that hold more than the log.

use crate::engine::session::SHORT;
use crate::engine::version;
use crate::error::{ProjectionError, within};
use tidings_eventlog::Log;

/// The projections that have come further than the log in some lane: they hold what the log has lost, and stand still until
/// a replay has rebuilt them.
pub async fn ahead(log: &Log) -> Result<Vec<&'static str>, ProjectionError> {
    let sql = include_str!("admin/ahead.sql");
    let (names, versions) = version::current();
    let rows = within(SHORT, async {
        let client = log.pool().get().await?;
        Ok::<_, ProjectionError>(client.query(sql, &[&names, &versions]).await?)
    })
    .await?;
    let labels: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(names
        .into_iter()
        .filter(|name| labels.iter().any(|label| label == name))
        .collect())
}
