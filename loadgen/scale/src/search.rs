//! `search`: how fast messages become something that can be found, how large what finds them is, and how long it takes to find.

mod folding;
mod seeker;
mod size;
mod speech;
mod term;
mod tongue;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use tidings_bench::database::Database;
use tidings_bench::people::{self, Person};
use tidings_bench::setting::{Setting, at_least_one};
use tidings_ceilings::name_stores;
use tidings_report::{Aim, Latencies, Progress, Report, millis};
use tidings_stand::{Node, Stand, StandOptions};
use uuid::Uuid;

use crate::long_log::{self, FILLING};
use crate::seed::Talk;
use folding::Folded;
use seeker::{Index, Seeker};
use size::{Sample, Size};
pub(crate) use speech::{GROUPS, Speech, WRITERS};
use term::{Kind, Term};
pub(crate) use tongue::Script;

/// Messages a second on two processors.
const FOLDED: f64 = 20_000.0;
/// The slowest hundredth of searches, in milliseconds.
const SEARCHED: f64 = 150.0;
/// Bytes of the index of words for each byte of text.
const INDEXED: f64 = 1.5;
/// Who look for something.
const READERS: [&str; 2] = ["in 60 groups", "in 300 groups"];
const STOP_LIMIT: Duration = Duration::from_secs(30);
const REPLAY_LIMIT: Duration = Duration::from_hours(1);

/// Ten million messages take about 20 GB of disk, and half an hour.
#[derive(clap::Args)]
pub struct Args {
    /// Messages whose read models are built in one go, over a year.
    #[arg(long, default_value_t = 10_000_000, value_parser = at_least_one::<u64>)]
    rows: u64,
    /// Messages that come then, and that a node folds as it does while it runs.
    #[arg(long, default_value_t = 300_000, value_parser = at_least_one::<u64>)]
    fresh: u64,
    /// Searches of each kind by each reader.
    #[arg(long, default_value_t = 400, value_parser = at_least_one::<usize>)]
    searches: usize,
    /// Rows of each script that are written once more, to tell scripts apart.
    #[arg(long, default_value_t = 100_000)]
    sample: i64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let mut options = StandOptions::new(args.setting.program()?);
    // Who looks for something at the end has come in at the beginning.
    options.tables.push_str("[auth]\ntoken_ttl_s = 86400\n");
    let stand = Stand::start(&options).await?;
    let mut report = Report::new("search");
    let done = measure(&stand, &args, &mut report).await;
    stand.stop().await;
    done?;
    args.setting.finish(&report)
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let progress = Progress::new("search", 7);
    name_stores(stand, report).await?;
    report.note(format!("load of the machine at the beginning: {}", load()));
    let node = stand.nodes().first().context("a stand without a node")?;
    let readers = people::register(node, READERS.len()).await?;
    let database = Database::of(stand).await?;
    database.caught_up().await?;
    node.stop(STOP_LIMIT).await;
    let url = stand.database_url();
    let speech = Arc::new(Speech::new(args.rows + args.fresh));

    progress.step("writing the log");
    long_log::set(&database, &FILLING.map(|name| format!("SET {name} = off"))).await?;
    let ids: Vec<Uuid> = readers.iter().map(|reader| reader.user).collect();
    let talk = Talk::begin(&url, Arc::clone(&speech), &ids).await?;
    let talk = talk.say(&url, args.rows).await?;
    progress.step("building the other read models");
    replay(node, &others(&database).await?).await?;
    progress.step("building the read model of words");
    let start = Instant::now();
    replay(node, &["search".to_owned()]).await?;
    let rebuilt = args.rows as f64 / start.elapsed().as_secs_f64();
    progress.step("tidying up");
    long_log::set(&database, &FILLING.map(|name| format!("RESET {name}"))).await?;
    database.batch_execute("VACUUM (ANALYZE)").await?;
    database.batch_execute("CHECKPOINT").await?;
    let built = (Size::now(&database).await?, talk.bytes().iter().sum::<u64>());

    progress.step("folding what is new");
    let talk = talk.say(&url, args.fresh).await?;
    let folded = folding::watch(stand, node, &database).await?;
    node.ready().await?;
    report
        .figure("messages folded by a rebuild", "1/s", &[rebuilt])
        .aim(Aim::AtLeast(FOLDED));
    tell_folded(&folded, report);
    let grown = (Size::now(&database).await?, talk.bytes().iter().sum::<u64>());
    tell_size("rebuilt", built.0, built.1, report);
    tell_size("rebuilt and then grown", grown.0, grown.1, report);

    progress.step("each script by itself");
    for script in Script::ALL {
        sample(&database, &talk, script, args.sample, report).await?;
    }
    progress.step("searching");
    let index = Arc::new(Index::new(&speech, talk.said()));
    seek(node, &readers, &speech, &index, &talk, args, report).await?;
    report.note(format!(
        "{} messages in {} groups, {:.0} bytes of text each; {} of them came last",
        talk.said(),
        talk.groups().len(),
        grown.1 as f64 / talk.said() as f64,
        args.fresh
    ));
    report.note(format!("load of the machine at the end: {}", load()));
    Ok(())
}

/// Every read model but the one of words.
async fn others(database: &Database) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT projection FROM projection_checkpoint \
               WHERE projection NOT LIKE '%\\_%' AND projection <> 'search' ORDER BY 1";
    let rows = database.rows(sql).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn replay(node: &Node, projections: &[String]) -> Result<()> {
    let named = projections.iter().flat_map(|name| ["--projection", name]);
    let command: Vec<&str> = ["replay"].into_iter().chain(named).collect();
    node.run(&command, REPLAY_LIMIT).await?;
    Ok(())
}

fn tell_folded(folded: &Folded, report: &mut Report) {
    let live = "messages folded by a node that runs";
    let beside = report.figure(
        &format!("{live}, beside the other read models"),
        "1/s",
        &[folded.beside],
    );
    let Some(alone) = &folded.alone else {
        beside.aim(Aim::AtLeast(FOLDED));
        return;
    };
    report
        .figure(live, "1/s", &[alone.rate])
        .aim(Aim::AtLeast(FOLDED));
    report.figure(
        "processor time of PostgreSQL per message",
        "µs",
        &[alone.postgres_us],
    );
    report.figure(
        "processor time of the server per message",
        "µs",
        &[alone.server_us],
    );
}

fn tell_size(when: &str, size: Size, text: u64, report: &mut Report) {
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let text = mib(text as f64);
    report
        .figure(
            &format!("index of words, {when}"),
            "MiB",
            &[mib(size.words as f64)],
        )
        .ratio_to("text", &[text])
        .aim(Aim::AtMost(INDEXED));
    report
        .figure(
            &format!("all of the read model, {when}"),
            "MiB",
            &[mib(size.all() as f64)],
        )
        .ratio_to("text", &[text]);
}

/// What messages of one script cost, without the others.
async fn sample(
    database: &Database,
    talk: &Talk,
    script: Script,
    rows: i64,
    report: &mut Report,
) -> Result<()> {
    let groups = talk.groups().into_iter().enumerate();
    let groups: Vec<_> = groups
        .filter(|(number, _)| Speech::script(*number) == script)
        .map(|(_, id)| id)
        .collect();
    let sample = Sample::take(database, &groups, rows).await?;
    let name = script.name();
    let each = sample.words as f64 / sample.rows as f64;
    report
        .figure(&format!("index of words per message, {name}"), "bytes", &[each])
        .ratio_to("text", &[talk.mean_bytes(script)]);
    report.figure(
        &format!("row and index entries written, {name}"),
        "µs each",
        &[sample.micros_each],
    );
    Ok(())
}

/// Looks for everything again and again: each kind, by each reader, in turn.
async fn seek(
    node: &Node,
    readers: &[Person],
    speech: &Arc<Speech>,
    index: &Arc<Index>,
    talk: &Talk,
    args: &Args,
    report: &mut Report,
) -> Result<()> {
    let mut seekers = vec![];
    for (number, person) in readers.iter().enumerate() {
        seekers.push(Seeker::at(node, person, number, speech, index, talk.said())?);
    }
    let mut tables = vec![vec![Latencies::new(); Kind::ALL.len()]; seekers.len()];
    let mut rng = SmallRng::seed_from_u64(2);
    let (mut found, mut cut) = (0, vec![0; Kind::ALL.len()]);
    for number in 0..args.searches {
        for (seeker, table) in seekers.iter().zip(&mut tables) {
            for (kind, latencies) in Kind::ALL.into_iter().zip(table) {
                let sought = seeker.seek(&Term::draw(kind, number, speech, &mut rng)).await?;
                latencies.record(sought.took);
                found += sought.found;
                cut[kind as usize] += usize::from(!sought.complete);
            }
        }
    }
    for (kind, cut) in Kind::ALL.into_iter().zip(cut) {
        for (reader, table) in READERS.iter().zip(&tables) {
            let latencies = &table[kind as usize];
            let name = format!("{}, by somebody {reader}", kind.name());
            let p99 = millis(latencies.quantile(0.99));
            let figure = report.figure(&format!("{name}, p99"), "ms", &[p99]);
            if kind.is_bounded() {
                figure.aim(Aim::AtMost(SEARCHED));
            }
            report.latencies(&name, latencies);
        }
        report.note(format!("{}: {cut} searches were cut short", kind.name()));
    }
    let searches = args.searches * Kind::ALL.len() * seekers.len();
    report.note(format!(
        "checker: PASS, {searches} searches found {found} messages: what they must, and nothing else"
    ));
    Ok(())
}

/// What else the machine has to do: the processes that want a processor, over one, five and fifteen minutes.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
