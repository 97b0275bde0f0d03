//! How large the read model of words is, and what a message of each script adds to it.

use std::time::Instant;

use anyhow::{Result, ensure};
use tidings_bench::database::Database;
use uuid::Uuid;

/// Where the live read model is.
const SCHEMA: &str = "SELECT nspname::text FROM pg_namespace WHERE nspname ~ '^p_search_[0-9]+$'";
const SIZES: &str = "SELECT coalesce(sum(pg_relation_size(i.indexrelid)) FILTER (WHERE a.amname = 'gin'), 0)::bigint, \
    coalesce(sum(pg_relation_size(i.indexrelid)) FILTER (WHERE a.amname <> 'gin'), 0)::bigint, \
    (SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::bigint FROM pg_class c \
      WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'r') \
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam \
    WHERE t.relnamespace = $1::text::regnamespace AND t.relkind = 'r'";
/// Rows of one statement, as a fold writes about.
const TOGETHER: i64 = 1_000;

/// Bytes of the read model.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    /// The index of words.
    pub(super) words: i64,
    pub(super) others: i64,
    pub(super) rows: i64,
}

impl Size {
    pub(super) async fn now(database: &Database) -> Result<Self> {
        let schema: String = database.row(SCHEMA).await?.try_get(0)?;
        let row = database.query_one(SIZES, &[&schema]).await?;
        Ok(Self {
            words: row.try_get(0)?,
            others: row.try_get(1)?,
            rows: row.try_get(2)?,
        })
    }

    pub(super) fn all(self) -> i64 {
        self.words + self.others + self.rows
    }
}

/// What messages of one script add to a table like the read model's.
pub(super) struct Sample {
    pub(super) rows: i64,
    /// Bytes of the index of words.
    pub(super) words: i64,
    /// For rows and index entries together.
    pub(super) micros_each: f64,
}

impl Sample {
    /// Writes so many of the rows of these groups again, into a table by themselves.
    pub(super) async fn take(database: &Database, groups: &[Uuid], rows: i64) -> Result<Self> {
        let schema: String = database.row(SCHEMA).await?.try_get(0)?;
        // Names are those that the database gave.
        let sql = format!(
            "DROP TABLE IF EXISTS sample, sampled; \
             CREATE UNLOGGED TABLE sampled AS SELECT 0::bigint AS no, e.* FROM {schema}.entry e LIMIT 0; \
             CREATE TABLE sample (LIKE {schema}.entry INCLUDING INDEXES)"
        );
        database.batch_execute(&sql).await?;
        let sql = format!(
            "INSERT INTO sampled SELECT row_number() OVER (), e.* FROM {schema}.entry e WHERE e.conversation = ANY ($1) LIMIT $2"
        );
        let rows = database.execute(&sql, &[&groups, &rows]).await? as i64;
        ensure!(rows > 0, "nothing was said in a script");
        let sql = "CREATE INDEX ON sampled (no); ANALYZE sampled";
        database.batch_execute(sql).await?;
        let start = Instant::now();
        let insert = "INSERT INTO sample SELECT conversation, seq, at, message, lexemes FROM sampled WHERE no > $1 AND no <= $2";
        let mut from = 0_i64;
        while from < rows {
            database.execute(insert, &[&from, &(from + TOGETHER)]).await?;
            from += TOGETHER;
        }
        let took = start.elapsed();
        let words = "SELECT sum(pg_relation_size(i.indexrelid))::bigint FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
            JOIN pg_am a ON a.oid = x.relam WHERE i.indrelid = 'sample'::regclass AND a.amname = 'gin'";
        // What waits in the index's list comes to its place.
        database.batch_execute("VACUUM sample").await?;
        let words = database.number(words).await?;
        database.batch_execute("DROP TABLE sample, sampled").await?;
        Ok(Self {
            rows,
            words,
            micros_each: took.as_secs_f64() * 1e6 / rows as f64,
        })
    }
}
