//! Indexes that a migration gives to all segments of a log, made while others append to it.
//!
//! Within the migration they would be made in one transaction, and nobody could append to a long log for as long as that takes. So
//! what else the migration does comes first, then each segment is indexed beside those who write, and then the migration
//! counts as done. Whoever is interrupted goes on with the segments that are left.

use super::{SchemaError, chain, embedded, giving_way};
use crate::home::quoted;
use refinery::Target;
use std::time::Duration;
use tokio_postgres::Client;

/// A migration that gives indexes to all segments.
struct Indexing {
    migration: i32,
    /// The statement of it that indexes all segments at once.
    at_once: &'static str,
    /// The indexes as it makes them: the end of their names, what they hold, and of which events.
    indexes: &'static [(&'static str, &'static str, &'static str)],
}

/// All of them, in order.
const INDEXINGS: [Indexing; 3] = [
    // Events are found by what they are about.
    Indexing {
        migration: 14,
        at_once: "\nSELECT log_index_subjects(",
        indexes: &[
            (
                "_abt",
                "(lane, stream, log_subject(payload), kind, seq)",
                "kind IN (17, 18)",
            ),
            (
                "_mrk",
                "(lane, stream, log_subject(payload), log_mark(payload), actor, seq)",
                "kind = 19",
            ),
        ],
    },
    // Notices are found.
    Indexing {
        migration: 30,
        at_once: "\nSELECT log_index_notices(",
        indexes: &[("_ntc", "(stream, seq)", "kind BETWEEN 69 AND 95")],
    },
    // What is withheld is found.
    Indexing {
        migration: 48,
        at_once: "\nSELECT log_index_withholdings(",
        indexes: &[("_wth", "(lane, stream, log_subject(payload), seq)", "kind = 102")],
    },
];

const VERSION: &str = "SELECT coalesce(max(version), 0)::int FROM refinery_schema_history";
const SEGMENTS: &str = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
     WHERE i.inhparent = 'event'::regclass ORDER BY 1";
/// Whether an index is there, and whether it is whole: one that was interrupted is not.
const WHOLE: &str = "SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass($1)";

/// Brings a log of an earlier version behind those migrations. A new log, and one that is further, is left alone. Those before
/// them are waited for as long as `wait` while others use what they change; an index is waited for as long as it takes.
pub(super) async fn index_segments(client: &mut Client, wait: Duration) -> Result<(), SchemaError> {
    let made = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !client.query_one(made, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(());
    }
    for indexing in &INDEXINGS {
        let version: i32 = client.query_one(VERSION, &[]).await?.try_get(0)?;
        if (1..indexing.migration).contains(&version) {
            indexing.carry_out(client, wait).await?;
        }
    }
    Ok(())
}

impl Indexing {
    async fn carry_out(&self, client: &mut Client, wait: Duration) -> Result<(), SchemaError> {
        let failed = |error: refinery::Error| SchemaError::Migration(chain(&error));
        let rest = self.rest().ok_or_else(|| {
            SchemaError::Migration("the indexes of segments cannot be told from the rest".into())
        })?;
        giving_way::migrate(client, Target::Version(self.migration - 1), wait).await?;
        client.batch_execute(&rest).await?;
        let segments = client.query(SEGMENTS, &[]).await?;
        for (done, segment) in segments.iter().enumerate() {
            let segment: String = segment.try_get(0)?;
            tracing::info!(
                segment,
                done,
                of = segments.len(),
                "a segment of the log is being indexed"
            );
            self.index(client, &segment).await?;
        }
        embedded::migrations::runner()
            .set_target(Target::FakeVersion(self.migration))
            .run_async(client)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// The migration without the indexing of all segments, so that it can be repeated.
    fn rest(&self) -> Option<String> {
        let runner = embedded::migrations::runner();
        let mut all = runner.get_migrations().iter();
        let migration = all.find(|migration| migration.version() == self.migration)?;
        let (before, after) = migration.sql()?.split_once(self.at_once)?;
        let (_, after) = after.split_once(";\n")?;
        Some(format!("{before}\n{after}").replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    }

    async fn index(&self, client: &Client, segment: &str) -> Result<(), SchemaError> {
        for (end, columns, only) in self.indexes {
            let name = quoted(&format!("{segment}{end}"));
            let whole = client.query_opt(WHOLE, &[&name]).await?;
            let whole = whole.map(|row| row.try_get::<_, bool>(0)).transpose()?;
            if whole == Some(false) {
                client
                    .batch_execute(&format!("DROP INDEX CONCURRENTLY {name}"))
                    .await?;
            }
            if whole != Some(true) {
                let segment = quoted(segment);
                let sql = format!("CREATE INDEX CONCURRENTLY {name} ON {segment} {columns} WHERE {only}");
                client.batch_execute(&sql).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_each_migration_can_be_repeated_and_indexes_nothing() {
        for indexing in INDEXINGS {
            let runner = embedded::migrations::runner();
            let all = runner.get_migrations().iter();
            let migration = all
                .filter(|migration| migration.version() == indexing.migration)
                .find_map(|found| found.sql())
                .unwrap();
            let rest = indexing.rest().unwrap();
            assert!(
                !rest.contains("CREATE FUNCTION") && !rest.contains(indexing.at_once),
                "{rest}"
            );
            assert_eq!(
                rest.matches("CREATE OR REPLACE FUNCTION").count(),
                migration.matches("FUNCTION").count()
            );
            // Segments that come are indexed the same.
            for (end, columns, only) in indexing.indexes {
                let made = format!("ON %I {columns} WHERE {only}");
                assert!(
                    rest.contains(&made) && rest.contains(&format!("p_segment || '{end}'")),
                    "{made}"
                );
            }
        }
    }
}
