//! How fast messages become something that can be found.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidings_bench::database::Database;
use tidings_stand::{Node, Stand};
use tokio::time::sleep;

/// How far the read model of words is, and the one of all others that is furthest behind, over all lanes.
const PLACES: &str = "SELECT coalesce(min(pos) FILTER (WHERE projection = 'search'), 0)::bigint, \
    coalesce(min(pos) FILTER (WHERE projection <> 'search'), 0)::bigint FROM \
    (SELECT projection, sum(pos) AS pos FROM projection_checkpoint WHERE projection NOT LIKE '%\\_%' GROUP BY projection) p";
const POLL: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_mins(30);
/// What is folded while the others are done must be at least this part of all to be told by itself.
const TOLD: f64 = 0.2;
/// So must the processor time of each side. It is counted in hundredths of a second.
const SPENT: Duration = Duration::from_millis(100);

/// How a node came to the end of its log.
pub(super) struct Folded {
    /// Messages a second, all read models together.
    pub(super) beside: f64,
    /// The same while nothing but words was folded, where that was long enough to tell.
    pub(super) alone: Option<Alone>,
}

/// While nothing but words was folded.
pub(super) struct Alone {
    /// Messages a second.
    pub(super) rate: f64,
    /// Processor time a message, in microseconds, of the server and of PostgreSQL.
    pub(super) server_us: f64,
    pub(super) postgres_us: f64,
}

/// A moment.
struct Moment {
    at: Instant,
    search: i64,
    others: i64,
    server: Duration,
    postgres: Duration,
}

/// Starts a node that is behind its log, and watches it catch up.
pub(super) async fn watch(stand: &Stand, node: &Node, database: &Database) -> Result<Folded> {
    let head = database.events().await?;
    let before = Moment::now(stand, node, database).await?;
    ensure!(before.search < head, "there is nothing to fold");
    node.launch(&[]).await?;
    let start = Instant::now();
    let (mut begun, mut quiet) = (start, None);
    loop {
        ensure!(start.elapsed() < LIMIT, "the read models do not catch up");
        let now = Moment::now(stand, node, database).await?;
        if now.search == before.search && now.others == before.others {
            // It has not begun yet.
            begun = now.at;
        }
        // What the node itself adds meanwhile, such as what it takes out of inboxes for its age, comes on top.
        if now.search >= head && now.others >= head {
            let all = (head - before.search) as f64;
            let alone = quiet.and_then(|quiet: Moment| quiet.until(&now, all));
            return Ok(Folded {
                beside: all / (now.at - begun).as_secs_f64(),
                alone,
            });
        }
        if now.others >= head && quiet.is_none() {
            quiet = Some(now);
        }
        sleep(POLL).await;
    }
}

impl Moment {
    async fn now(stand: &Stand, node: &Node, database: &Database) -> Result<Self> {
        let row = database.row(PLACES).await?;
        Ok(Self {
            at: Instant::now(),
            search: row.try_get(0)?,
            others: row.try_get(1)?,
            server: node.usage().cpu(),
            postgres: stand.postgres_usage().cpu(),
        })
    }

    fn until(&self, end: &Self, all: f64) -> Option<Alone> {
        let folded = (end.search - self.search) as f64;
        let server = end.server.saturating_sub(self.server);
        let postgres = end.postgres.saturating_sub(self.postgres);
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / folded;
        (folded >= TOLD * all && server.min(postgres) >= SPENT).then(|| Alone {
            rate: folded / (end.at - self.at).as_secs_f64(),
            server_us: each(server),
            postgres_us: each(postgres),
        })
    }
}
