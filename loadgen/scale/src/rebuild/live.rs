//! Where the live read models are.

use anyhow::Result;
use tidings_bench::database::Database;

/// Their schemas. What is built or kept beside them has a word behind the name.
const SCHEMAS: &str = "^p_[a-z]+(_[0-9]+)?$";

/// A number that grows with every swap: what takes the place of something else was made later.
pub(super) async fn generation(database: &Database) -> Result<i64> {
    let sql = format!("SELECT sum(oid::bigint)::bigint FROM pg_namespace WHERE nspname ~ '{SCHEMAS}'");
    database.number(&sql).await
}

/// Their tables, as statements have them. Of what is divided, those that hold the rows.
pub(super) async fn tables(database: &Database) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname ~ '{SCHEMAS}' AND c.relkind = 'r' ORDER BY 1"
    );
    let rows = database.rows(&sql).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
