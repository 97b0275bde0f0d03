//! What a projection is.

use crate::fact::Fact;
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tidings_domain::stored::Kind;

/// A read model: its tables, and how events change them.
#[async_trait]
pub trait Projection: Send + Sync {
    /// Its name, as in checkpoints and on the command line.
    fn name(&self) -> &'static str;

    /// The schema of its live tables.
    fn schema(&self) -> &'static str;

    /// Raised when the tables or the fold change: the read model is then rebuilt from the log.
    fn version(&self) -> i32;

    /// The statements that make its tables, with `{schema}` where the schema's name belongs.
    fn ddl(&self) -> &'static str;

    /// The statements that make indexes which only readers need, each where it is missing. Tables that are built from the
    /// beginning of the log get them once their rows are there, which costs less than to keep them meanwhile.
    fn indexes(&self) -> &'static str {
        ""
    }

    /// Its tables with their primary keys.
    fn tables(&self) -> &'static [Table];

    /// The events that it looks at. It is given no others, and whether they can be read does not matter to it. To look at
    /// more is to be another version: events of the kind are in the log already.
    fn folds(&self) -> Folds;

    /// Whether it is folded in sessions of its own, because that takes longer: it may lag behind the others, and only those who
    /// ask it something wait for it.
    fn lags(&self) -> bool {
        false
    }

    /// Folds facts of one lane, in order, into the tables in `schema`. How the facts are divided into batches makes no difference
    /// to the outcome. Whoever folds a lane writes rows of that lane only, which [`Table::stream`] tells: what depends on two lanes
    /// is two rows, which meet in the query.
    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
        facts: &[Fact<'_>],
    ) -> Result<(), tokio_postgres::Error>;
}

/// The events that a projection looks at.
#[derive(Clone, Copy, Debug)]
pub enum Folds {
    /// Those of these kinds.
    Only(&'static [Kind]),
    /// Those of all kinds but these, also of kinds that are yet to come.
    AllBut(&'static [Kind]),
}

impl Folds {
    /// Whether events of a kind are among them.
    pub fn has(self, kind: i16) -> bool {
        match self {
            Self::Only(kinds) => kinds.contains(&Kind(kind)),
            Self::AllBut(kinds) => !kinds.contains(&Kind(kind)),
        }
    }
}

/// A table of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// Columns of the primary key.
    pub key: &'static [&'static str],
    /// The column that names the stream whose events make a row. The stream's lane is the row's.
    pub stream: &'static str,
}

/// Puts the schema's name into a statement and runs it.
pub(crate) async fn run(
    transaction: &Transaction<'_>,
    schema: &str,
    sql: &str,
    parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<u64, tokio_postgres::Error> {
    let statement = transaction
        .prepare_cached(&sql.replace("{schema}", schema))
        .await?;
    transaction.execute(&statement, parameters).await
}
