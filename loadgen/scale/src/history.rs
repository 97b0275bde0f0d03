//! `history`: whether a page of a long conversation takes longer when the log is longer.

mod viewer;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tidings_bench::pacer::Pacer;
use tidings_bench::setting::Setting;
use tidings_ceilings::name_stores;
use tidings_report::{Aim, Latencies, Progress, Report, millis};
use tidings_stand::Node;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cold;
use crate::long_log::{self, LongLog};
use viewer::{Look, PAGE, Viewer};

/// Looks at the large conversation before cold pages are timed.
const PASSING: usize = 20;
/// Looks that may wait for their turn; by then the latency says that the rate is too high.
const AT_ONCE: usize = 64;
/// How much longer a page of the longest log may take than one of the shortest.
const LONGER: f64 = 1.3;

/// 10^7 events with their read models take about 10 GB of disk, and some minutes to make.
#[derive(clap::Args)]
pub struct Args {
    /// Events in the logs.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000, 10_000_000])]
    events: Vec<u64>,
    #[command(flatten)]
    looking: Looking,
    #[command(flatten)]
    setting: Setting,
}

/// How it is measured.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Looking {
    #[arg(long, default_value_t = 5)]
    history_rounds: usize,
    /// Of each round of `history`.
    #[arg(long, default_value_t = 6)]
    history_seconds: u64,
    /// Pages and lists a second, over all logs.
    #[arg(long, default_value_t = 100.0)]
    looks: f64,
}

impl Looking {
    pub(crate) fn steps(&self, logs: usize) -> u64 {
        1 + self.history_rounds as u64 + logs as u64
    }
}

/// Runs the workload on stands of its own, one for each log.
pub async fn run(args: Args) -> Result<()> {
    let mut report = Report::new("history");
    let progress = Progress::new(
        "history",
        4 * args.events.len() as u64 + args.looking.steps(args.events.len()),
    );
    let logs = long_log::make_all(&args.setting.program()?, &args.events, None, &progress).await?;
    let all: Vec<&LongLog> = logs.iter().collect();
    let done = measure(&all, args.looking, &mut report, &progress).await;
    let done = done.with_context(|| last_words(&all));
    long_log::end_all(logs).await;
    done?;
    args.setting.finish(&report)
}

/// What each look at each log took.
struct Table {
    looks: Vec<[Latencies; Look::ALL.len()]>,
}

impl Table {
    fn new(logs: usize) -> Self {
        Self {
            looks: (0..logs)
                .map(|_| std::array::from_fn(|_| Latencies::new()))
                .collect(),
        }
    }

    fn merge(&mut self, other: &Self) {
        for (sums, looks) in self.looks.iter_mut().zip(&other.looks) {
            for (sum, look) in sums.iter_mut().zip(looks) {
                sum.merge(look);
            }
        }
    }
}

/// What the nodes logged last.
fn last_words(logs: &[&LongLog]) -> String {
    let nodes = logs.iter().flat_map(|log| log.stand.nodes());
    let words: Vec<String> = nodes.map(Node::last_words).collect();
    format!("the nodes logged last: {}", words.join("; "))
}

/// Looks at all logs in turn, so that a machine that is slow for a while is slow for all of them.
pub(crate) async fn measure(
    logs: &[&LongLog],
    looking: Looking,
    report: &mut Report,
    progress: &Progress,
) -> Result<()> {
    let first = logs.first().context("no log to look at")?;
    name_stores(&first.stand, report).await?;
    for log in logs {
        ensure!(
            log.seeded.archive.messages > 2 * PAGE,
            "{} are too few for pages",
            log.name()
        );
    }
    let viewers: Result<Vec<Arc<Viewer>>> = logs.iter().map(|log| Viewer::of(log).map(Arc::new)).collect();
    let viewers = viewers?;
    let length = Duration::from_secs(looking.history_seconds);
    progress.step("history: warming up");
    round(&viewers, looking.looks, length / 2).await?;
    let mut rounds = vec![];
    for number in 1..=looking.history_rounds {
        progress.step(&format!("history: round {number}"));
        rounds.push(round(&viewers, looking.looks, length).await?);
    }
    tell(logs, &rounds, report);
    let mut colds = vec![];
    for (log, viewer) in logs.iter().zip(&viewers) {
        progress.step(&format!("history: cold pages of {}", log.name()));
        colds.push(cold_pages(log, viewer).await?);
    }
    tell_cold(logs, &colds, report);
    Ok(())
}

/// The newest page of each of the reader's small conversations, once, with nothing of them in memory. What every answer needs
/// (plans, the reader's memberships, the upper levels of indexes) is there, since conversations are asked for in passing.
async fn cold_pages(log: &LongLog, viewer: &Viewer) -> Result<Latencies> {
    cold::cool(log).await?;
    for _ in 0..PASSING {
        viewer.look(Look::Newest).await?;
    }
    let mut latencies = Latencies::new();
    for listed in viewer.small() {
        latencies.record(viewer.look_at_small(listed).await?);
    }
    Ok(latencies)
}

fn tell_cold(logs: &[&LongLog], colds: &[Latencies], report: &mut Report) {
    let size = |log: &usize| logs[*log].size;
    let shortest = (0..logs.len()).min_by_key(size);
    for (log, cold) in logs.iter().zip(colds) {
        let name = format!(
            "newest page of a small conversation, nothing cached, {}",
            log.name()
        );
        let median = millis(cold.quantile(0.5));
        let figure = report.figure(&format!("{name}, p50"), "ms", &[median]);
        if let Some(shortest) = shortest.filter(|shortest| logs[*shortest].size != log.size) {
            figure.ratio_to(&logs[shortest].name(), &[millis(colds[shortest].quantile(0.5))]);
        }
        report.latencies(&name, cold);
    }
}

/// Looks at everything again and again, on time whatever became of the looks before.
async fn round(viewers: &[Arc<Viewer>], rate: f64, length: Duration) -> Result<Table> {
    let (turn, mut turns) = mpsc::channel(AT_ONCE);
    let _pacer = Pacer::start(rate, length, vec![turn]);
    let mut looking = JoinSet::new();
    let mut number = 0;
    while let Some(due) = turns.recv().await {
        // Every log in turn with one look, then every log with the next one.
        let (log, look) = (number % viewers.len(), number / viewers.len() % Look::ALL.len());
        let viewer = Arc::clone(&viewers[log]);
        looking.spawn(async move {
            let there = viewer.look(Look::ALL[look]).await?;
            Ok::<_, anyhow::Error>((log, look, there.duration_since(due.into())))
        });
        number += 1;
    }
    let mut table = Table::new(viewers.len());
    while let Some(looked) = looking.join_next().await {
        let (log, look, took) = looked??;
        table.looks[log][look].record(took);
    }
    Ok(table)
}

/// Adds each look's figures, and beside those of the longest log the shortest one's.
fn tell(logs: &[&LongLog], rounds: &[Table], report: &mut Report) {
    let mut all = Table::new(logs.len());
    for round in rounds {
        all.merge(round);
    }
    let size = |log: &usize| logs[*log].size;
    let (Some(shortest), Some(longest)) =
        ((0..logs.len()).min_by_key(size), (0..logs.len()).max_by_key(size))
    else {
        return;
    };
    for (look, kind) in Look::ALL.into_iter().enumerate() {
        let medians = |log: usize| -> Vec<f64> {
            let rounds = rounds.iter();
            rounds
                .map(|round| millis(round.looks[log][look].quantile(0.5)))
                .collect()
        };
        for (log, of) in logs.iter().enumerate() {
            let name = format!("{}, {}", kind.name(), of.name());
            let figure = report.figure(&format!("{name}, p50"), "ms", &medians(log));
            if log == longest && log != shortest {
                figure.ratio_to(&logs[shortest].name(), &medians(shortest));
                if kind.is_page() {
                    figure.aim(Aim::AtMost(LONGER));
                }
            }
            report.latencies(&name, &all.looks[log][look]);
        }
    }
    let looks: u64 = all.looks.iter().flatten().map(Latencies::count).sum();
    for log in logs {
        report.note(format!(
            "{}; {} events are messages of the conversation whose pages these are",
            log.made(),
            log.seeded.archive.messages
        ));
    }
    report.note(format!(
        "checker: PASS, {looks} pages and lists held what they must, and nothing else"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_bench::database::Database;
    use tidings_stand::find_program;

    /// A fault in the read models, what undoes it, and the look that must find it. `$1` is the conversation, `$2` its last
    /// seq.
    const FAULTS: [(&str, &str, Look); 5] = [
        (
            "UPDATE p_history_4.message SET text = text || ' not' WHERE conversation = $1 AND seq = $2::bigint - 3",
            "UPDATE p_history_4.message SET text = left(text, -4) WHERE conversation = $1 AND seq = $2::bigint - 3",
            Look::Newest,
        ),
        (
            "UPDATE p_history_4.message SET seq = -seq WHERE conversation = $1 AND seq > 60 AND seq < $2::bigint - 60",
            "UPDATE p_history_4.message SET seq = -seq WHERE conversation = $1 AND seq < 0 AND $2::bigint > 0",
            Look::Middle,
        ),
        (
            "UPDATE p_history_4.message SET sender = $1 WHERE conversation = $1 AND seq = least(7, $2::bigint)",
            "UPDATE p_history_4.message SET sender = (SELECT sender FROM p_history_4.message WHERE conversation = $1 AND seq = 7 + 49) \
             WHERE conversation = $1 AND seq = least(7, $2::bigint)",
            Look::Oldest,
        ),
        (
            "UPDATE p_conversations_3.conversation SET last_msg_no = last_msg_no - 1 WHERE conversation = $1 AND last_seq = $2",
            "UPDATE p_conversations_3.conversation SET last_msg_no = last_msg_no + 1 WHERE conversation = $1 AND last_seq = $2",
            Look::List,
        ),
        (
            "UPDATE p_conversations_3.conversation SET last_msg_no = last_msg_no + 1 WHERE conversation = $1 AND last_seq = $2",
            "UPDATE p_conversations_3.conversation SET last_msg_no = last_msg_no - 1 WHERE conversation = $1 AND last_seq = $2",
            Look::Unread,
        ),
    ];

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_wrong_is_found() {
        let progress = Progress::new("test", 4);
        let log = LongLog::make(&find_program().unwrap(), 1_500, &[], &progress)
            .await
            .unwrap();
        let viewer = Viewer::of(&log).unwrap();
        let database = Database::open(&log.stand.database_url()).await.unwrap();
        let archive = log.seeded.archive.conversation;
        let last = i64::try_from(log.seeded.archive.messages).unwrap() + 1;
        for (fault, remedy, look) in FAULTS {
            viewer.look(look).await.unwrap();
            assert!(database.execute(fault, &[&archive, &last]).await.unwrap() > 0);
            assert!(viewer.look(look).await.is_err(), "{look:?}: {fault}");
            database.execute(remedy, &[&archive, &last]).await.unwrap();
            viewer.look(look).await.unwrap();
        }
        log.stand.stop().await;
    }
}
