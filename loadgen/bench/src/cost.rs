//! What messages cost: processor time and switches by part, and PostgreSQL's own counts.

use anyhow::Result;
use tidings_report::Report;
use tidings_stand::{Node, Stand, Usage};

use crate::database::Database;

/// What has been used so far, or in a round.
pub(crate) struct Cost {
    node: Usage,
    postgres: Usage,
    redis: Usage,
    own: Usage,
    /// Each session tells of its own only once a second, so that at the ends of a round some are missing or too many.
    transactions: i64,
    wal_bytes: i64,
}

impl Cost {
    pub(crate) async fn now(stand: &Stand, node: &Node, database: &Database) -> Result<Self> {
        let row = database
            .row(
                "SELECT xact_commit, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint \
                   FROM pg_stat_database WHERE datname = current_database()",
            )
            .await?;
        Ok(Self {
            node: node.usage(),
            postgres: stand.postgres_usage(),
            redis: stand.redis_usage(),
            own: Usage::own(),
            transactions: row.try_get(0)?,
            wal_bytes: row.try_get(1)?,
        })
    }

    pub(crate) fn since(self, before: &Self) -> Self {
        Self {
            node: self.node - before.node,
            postgres: self.postgres - before.postgres,
            redis: self.redis - before.redis,
            own: self.own - before.own,
            transactions: self.transactions - before.transactions,
            wal_bytes: self.wal_bytes - before.wal_bytes,
        }
    }

    /// Adds what a message cost in each round, by the rounds' costs and messages.
    pub(crate) fn report<'a>(rounds: impl Iterator<Item = (&'a Self, u64)>, report: &mut Report) {
        let rounds: Vec<_> = rounds.collect();
        for (name, unit, of) in KINDS {
            let each = rounds.iter().map(|(cost, messages)| of(cost) / *messages as f64);
            report.figure(&format!("{name} per message"), unit, &each.collect::<Vec<_>>());
        }
    }
}

impl Cost {
    /// Processor time of the server and of PostgreSQL together, in milliseconds.
    pub(crate) fn serving_ms(&self) -> f64 {
        (micros(self.node) + micros(self.postgres)) / 1e3
    }

    /// Processor time of PostgreSQL, in milliseconds.
    pub(crate) fn storing_ms(&self) -> f64 {
        micros(self.postgres) / 1e3
    }
}

type Kind = (&'static str, &'static str, fn(&Cost) -> f64);

/// Names, units and values.
const KINDS: [Kind; 8] = [
    ("processor time of the server", "µs", |cost| micros(cost.node)),
    ("processor time of PostgreSQL", "µs", |cost| {
        micros(cost.postgres)
    }),
    ("processor time of Redis", "µs", |cost| micros(cost.redis)),
    ("processor time of the load generator", "µs", |cost| {
        micros(cost.own)
    }),
    ("context switches of the server", "", |cost| {
        cost.node.switches as f64
    }),
    ("context switches of PostgreSQL", "", |cost| {
        cost.postgres.switches as f64
    }),
    ("transactions", "", |cost| cost.transactions as f64),
    ("WAL", "bytes", |cost| cost.wal_bytes as f64),
];

fn micros(usage: Usage) -> f64 {
    usage.cpu().as_secs_f64() * 1e6
}
