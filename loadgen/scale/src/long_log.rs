//! A node with a long log behind it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tidings_bench::people::{self, Person};
use tidings_report::Progress;
use tidings_stand::{Node, Stand, StandOptions};

use crate::seed::{Seeded, Wanted, seed};
use tidings_bench::database::Database;

/// What costs time while a log is filled and does no good: everything is vacuumed and flushed at the end, and a log that is
/// half full when the machine fails is of no use.
pub(crate) const FILLING: [&str; 2] = ["autovacuum", "full_page_writes"];
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Folding ten million events takes minutes.
const REPLAY_LIMIT: Duration = Duration::from_mins(15);

/// A stand whose log holds so many events, and what is known of them.
pub(crate) struct LongLog {
    /// As it was wanted.
    pub(crate) size: u64,
    pub(crate) stand: Stand,
    pub(crate) seeded: Arc<Seeded>,
    pub(crate) reader: Person,
    pub(crate) sender: Person,
    spent: Spent,
}

/// How long it took to make one.
struct Spent {
    seeding: Duration,
    replay: Duration,
    tidying: Duration,
}

impl LongLog {
    /// Makes a log with so many events and these groups, and starts a node on it.
    pub(crate) async fn make(
        program: &Path,
        size: u64,
        groups: &[usize],
        progress: &Progress,
    ) -> Result<Self> {
        let mut options = StandOptions::new(program.to_owned());
        // A question that waited in vain is told in the log of whoever asks for it.
        options.environment = vec![("RUST_LOG".to_owned(), "info,tidings_graphql=debug".to_owned())];
        // Who is measured at the end has come in at the beginning.
        options.tables.push_str("[auth]\ntoken_ttl_s = 86400\n");
        let stand = Stand::start(&options).await?;
        let made = Self::fill(&stand, size, groups, progress).await;
        let (seeded, [reader, sender], spent) = match made {
            Ok(made) => made,
            Err(error) => {
                stand.stop().await;
                return Err(error);
            }
        };
        Ok(Self {
            size,
            stand,
            seeded: Arc::new(seeded),
            reader,
            sender,
            spent,
        })
    }

    async fn fill(
        stand: &Stand,
        size: u64,
        groups: &[usize],
        progress: &Progress,
    ) -> Result<(Seeded, [Person; 2], Spent)> {
        let node = stand.nodes().first().context("a stand without a node")?;
        let people = people::register(node, 2).await?;
        let [reader, sender] = <[Person; 2]>::try_from(people).ok().context("two people")?;
        node.stop(STOP_LIMIT).await;
        let url = stand.database_url();
        let wanted = Wanted {
            events: size,
            groups: groups.to_vec(),
            reader: reader.user,
            sender: sender.user,
        };
        let database = Database::open(&url).await?;
        set(&database, &FILLING.map(|name| format!("SET {name} = off"))).await?;
        progress.step(&format!("{}: writing the log", events(size)));
        let start = Instant::now();
        let seeded = seed(&url, wanted).await?;
        let seeding = start.elapsed();
        progress.step(&format!("{}: building the read models", events(size)));
        let start = Instant::now();
        node.run(&["replay"], REPLAY_LIMIT).await?;
        let replay = start.elapsed();
        progress.step(&format!("{}: tidying up", events(size)));
        let start = Instant::now();
        // What a log that has grown by and by has had long ago.
        set(&database, &FILLING.map(|name| format!("RESET {name}"))).await?;
        database.batch_execute("VACUUM (ANALYZE)").await?;
        database.batch_execute("CHECKPOINT").await?;
        let spent = Spent {
            seeding,
            replay,
            tidying: start.elapsed(),
        };
        progress.step(&format!("{}: starting", events(size)));
        node.launch(&[]).await?;
        node.ready().await?;
        Ok((seeded, [reader, sender], spent))
    }

    pub(crate) fn node(&self) -> &Node {
        &self.stand.nodes()[0]
    }

    /// Stops the node and starts it again; answers how long it took from the start to ready.
    pub(crate) async fn restart(&self) -> Result<Duration> {
        let node = self.node();
        node.stop(STOP_LIMIT).await;
        let start = Instant::now();
        node.launch(&[]).await?;
        node.ready().await?;
        Ok(start.elapsed())
    }

    pub(crate) fn name(&self) -> String {
        events(self.size)
    }

    /// What it took to make it, as a sentence of a report.
    pub(crate) fn made(&self) -> String {
        let Spent {
            seeding,
            replay,
            tidying,
        } = &self.spent;
        format!(
            "{}: written in {seeding:.0?}, read models built in {replay:.0?}, vacuumed in {tidying:.0?}",
            self.name()
        )
    }
}

/// Changes settings of the whole server.
pub(crate) async fn set(database: &Database, changes: &[String]) -> Result<()> {
    for change in changes {
        database.batch_execute(&format!("ALTER SYSTEM {change}")).await?;
    }
    database.batch_execute("SELECT pg_reload_conf()").await?;
    Ok(())
}

/// Makes a log of each size, in their order. That of the size given with `groups` has them.
pub(crate) async fn make_all(
    program: &Path,
    sizes: &[u64],
    groups: Option<(u64, &[usize])>,
    progress: &Progress,
) -> Result<Vec<LongLog>> {
    let mut logs = vec![];
    for size in sizes {
        let groups = groups
            .filter(|(at, _)| at == size)
            .map_or(&[][..], |(_, groups)| groups);
        match LongLog::make(program, *size, groups, progress).await {
            Ok(log) => logs.push(log),
            Err(error) => {
                end_all(logs).await;
                return Err(error.context(format!("a log of {} could not be made", events(*size))));
            }
        }
    }
    Ok(logs)
}

/// Ends all of them.
pub(crate) async fn end_all(logs: Vec<LongLog>) {
    for log in logs {
        log.stand.stop().await;
    }
}

/// A number of events in words: `10^6 events`.
fn events(number: u64) -> String {
    let power = number.checked_ilog10().unwrap_or(0);
    if power >= 3 && number == 10_u64.pow(power) {
        format!("10^{power} events")
    } else {
        format!("{number} events")
    }
}
