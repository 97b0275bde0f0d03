//! Segments: a table for the messages of each month of UTC.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeSet;
use tokio_postgres::Error;

/// A month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment(NaiveDate);

impl Segment {
    /// The segment of what was sent then.
    pub(super) fn of(at: DateTime<Utc>) -> Self {
        let day = at.date_naive();
        Self(day.with_day(1).unwrap_or(day))
    }

    fn table(self) -> String {
        format!("entry_{:04}_{:02}", self.0.year(), self.0.month())
    }

    /// The first day of the next one.
    fn end(self) -> NaiveDate {
        self.0
            .checked_add_months(Months::new(1))
            .unwrap_or(NaiveDate::MAX)
    }
}

/// Makes those of `segments` that are missing. Whoever folds another lane and comes to the same month waits until this transaction
/// has ended; nobody else does, for a table that is attached was there before, empty.
pub(super) async fn make(
    transaction: &Transaction<'_>,
    schema: &str,
    segments: &BTreeSet<Segment>,
) -> Result<(), Error> {
    if missing(transaction, schema, segments).await?.is_empty() {
        return Ok(());
    }
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    transaction
        .execute(lock, &[&format!("tidings.search.{schema}")])
        .await?;
    for segment in missing(transaction, schema, segments).await? {
        let (table, from, to) = (segment.table(), segment.0, segment.end());
        let sql = format!(
            "CREATE TABLE {schema}.{table} (LIKE {schema}.entry); \
             ALTER TABLE {schema}.entry ATTACH PARTITION {schema}.{table} FOR VALUES FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00')"
        );
        transaction.batch_execute(&sql).await?;
    }
    Ok(())
}

async fn missing(
    transaction: &Transaction<'_>,
    schema: &str,
    segments: &BTreeSet<Segment>,
) -> Result<Vec<Segment>, Error> {
    let names: Vec<String> = segments.iter().map(|segment| segment.table()).collect();
    let statement = transaction.prepare_cached(include_str!("missing.sql")).await?;
    let rows = transaction.query(&statement, &[&schema, &names]).await?;
    let missing: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let is_missing = |segment: &&Segment| missing.contains(&segment.table());
    Ok(segments.iter().filter(is_missing).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_a_month() {
        let at = "2026-12-31T23:59:59.999999Z".parse().unwrap();
        let segment = Segment::of(at);
        assert_eq!(segment.table(), "entry_2026_12");
        assert_eq!(segment.end().to_string(), "2027-01-01");
    }
}
