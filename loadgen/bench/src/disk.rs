//! What tables and indexes take on disk.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::database::Database;

/// By the name of a table or an index, its bytes. The segments of the log count as one, and so do their indexes.
pub(crate) struct Disk(BTreeMap<String, i64>);

impl Disk {
    /// What they take now, without pages that PostgreSQL has taken in advance and that hold nothing: where several sessions make a table longer at
    /// once, it takes dozens of them, which would count for what was there before or for nothing.
    pub(crate) async fn now(database: &Database) -> Result<Self> {
        database.batch_execute("VACUUM").await?;
        let sizes = database
            .rows(
                "SELECT n.nspname || '.' || regexp_replace(c.relname, '_[0-9]{6}(_[0-9]+)?', ''), sum(pg_relation_size(c.oid))::bigint \
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE c.relkind IN ('r', 'i') AND n.nspname !~ '^(pg_|information_schema)' GROUP BY 1",
            )
            .await?;
        let sizes = sizes
            .iter()
            .map(|row| anyhow::Ok((row.try_get(0)?, row.try_get(1)?)));
        sizes.collect::<Result<_>>().map(Self)
    }

    /// By how much each has grown since then, the most first.
    pub(crate) fn since(&self, before: &Self) -> Vec<(&str, i64)> {
        let grown = |(name, now): (&String, &i64)| now - before.0.get(name).copied().unwrap_or(0);
        let mut grown: Vec<_> = self
            .0
            .iter()
            .map(|entry| (entry.0.as_str(), grown(entry)))
            .collect();
        grown.sort_by_key(|(_, bytes)| -bytes);
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_grown_most_comes_first() {
        let sizes = |sizes: &[(&str, i64)]| {
            let sizes = sizes.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes));
            Disk(sizes.collect())
        };
        let before = sizes(&[("log", 10), ("index", 5)]);
        let now = sizes(&[("log", 11), ("index", 9), ("new", 2)]);
        assert_eq!(now.since(&before), [("index", 4), ("new", 2), ("log", 1)]);
    }
}
