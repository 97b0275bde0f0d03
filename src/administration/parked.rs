//! How much is parked, as metrics.

use super::Administration;
use super::tables::unreadable;
use tidings_graphql::Refusal;
use tokio_postgres::Row;

impl Administration {
    /// Counts the events that each read model has put aside.
    pub(super) async fn count_parked(&self) -> Result<(), Refusal> {
        let (names, versions): (Vec<&str>, Vec<i32>) = tidings_projections::all()
            .map(|projection| (projection.name(), projection.version()))
            .into_iter()
            .unzip();
        let sql = include_str!("parked/count.sql");
        let rows = self.0.tables.rows(sql, &[&names, &versions]).await?;
        let told = rows.iter().try_for_each(tell);
        told.map_err(|error| unreadable(&error))
    }
}

fn tell(row: &Row) -> Result<(), tokio_postgres::Error> {
    let (projection, events, oldest): (String, i64, f64) = (
        row.try_get("projection")?,
        row.try_get("events")?,
        row.try_get("oldest")?,
    );
    metrics::gauge!("tidings_parked_events", "projection" => projection.clone()).set(events as f64);
    metrics::gauge!("tidings_parked_oldest_seconds", "projection" => projection).set(oldest);
    Ok(())
}
