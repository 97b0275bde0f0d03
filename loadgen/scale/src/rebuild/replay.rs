//! `tidings replay` beside a node that serves.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tidings_bench::database::Database;
use tidings_stand::Node;
use tokio::time::sleep;

use super::{LIMIT, live};

const POLL: Duration = Duration::from_millis(20);

/// Read models that were rebuilt.
pub(super) struct Rebuilt {
    pub(super) projections: Vec<String>,
    /// Events of the log.
    pub(super) events: u64,
    /// From the start of the command to the swap.
    pub(super) took: Duration,
}

impl Rebuilt {
    /// Events of the log.
    pub(super) fn events_per_s(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }

    /// The same, counted once for each read model.
    pub(super) fn folds_per_s(&self) -> f64 {
        self.events_per_s() * self.projections.len() as f64
    }
}

/// Rebuilds one read model, or all of them.
pub(super) async fn replay(node: &Node, database: &Database, projection: Option<&str>) -> Result<Rebuilt> {
    let command = match projection {
        Some(name) => vec!["replay", "--projection", name],
        None => vec!["replay"],
    };
    let before = live::generation(database).await?;
    let start = Instant::now();
    let swapping = swapped(database, before, start);
    let (printed, took) = tokio::try_join!(node.run(&command, LIMIT), swapping)?;
    let (projections, events) =
        read(&printed).with_context(|| format!("not all was rebuilt: {}", printed.trim()))?;
    Ok(Rebuilt {
        projections,
        events,
        took,
    })
}

/// Waits for a swap; answers when it was, since the start. What drops the tables of the rebuild before comes behind it.
async fn swapped(database: &Database, before: i64, start: Instant) -> Result<Duration> {
    while live::generation(database).await? == before {
        sleep(POLL).await;
    }
    Ok(start.elapsed())
}

/// The read models and the number of events in what the command prints, if no event was put aside.
fn read(printed: &str) -> Option<(Vec<String>, u64)> {
    let (names, rest) = printed.trim().strip_prefix("rebuilt ")?.split_once(" from ")?;
    let (events, rest) = rest.split_once(" events in ")?;
    let names = names.split(", ").map(str::to_owned).collect();
    let events = events.parse().ok()?;
    rest.ends_with(", 0 parked").then_some((names, events))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn what_was_rebuilt_is_read_and_what_was_put_aside_is_no_rebuild() {
        let printed = "rebuilt history, search from 1200 events in 0.4 s (3000/s), 0 parked\n";
        let (names, events) = read(printed).unwrap();
        assert_eq!((names.join(" "), events), ("history search".to_owned(), 1_200));
        assert_eq!(read(&printed.replace("0 parked", "10 parked")), None);
        assert_eq!(read("rebuilt differs from live"), None);
    }
}
