//! `tidings replay`, `tidings rollback` and `tidings verify`.

use super::dev;
use crate::config::Config;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tidings_eventlog::{Log, LogConfig, schema};
use tidings_projections::{DifferenceKind, Progress, Stage};
use tidings_services::{Postgres, PostgresOptions, Profile};

/// Lanes that are folded at a time.
const WORKERS: usize = 4;

/// How often it is told how far the work is where there is no terminal to draw on.
const TELL: Duration = Duration::from_secs(10);
/// The exit code of whoever was interrupted.
const INTERRUPTED: u8 = 130;

/// One bar over all lanes; lines, where nobody would see a bar.
struct Meter {
    bar: ProgressBar,
    lanes: Mutex<BTreeMap<u8, (u64, u64)>>,
    told: Mutex<Instant>,
}

impl Meter {
    fn new() -> Self {
        let style = "{msg:10} {bar:32} {human_pos}/{human_len} events  {per_sec}  ETA {eta}";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: ProgressBar::new(0).with_style(style),
            lanes: Mutex::default(),
            told: Mutex::new(Instant::now()),
        }
    }

    /// Notes how far a lane is; answers the sums over all lanes.
    fn note(&self, lane: u8, done: u64, total: u64) -> (u64, u64) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.insert(lane, (done, total));
        let (done, total) = lanes
            .values()
            .fold((0, 0), |sum, lane| (sum.0 + lane.0, sum.1 + lane.1));
        self.bar.set_length(total);
        self.bar.set_position(done);
        (done, total)
    }

    /// Says something now and then, where no bar does.
    fn tell(&self, what: impl FnOnce() -> String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::io::stderr().is_terminal() && told.elapsed() >= TELL {
            *told = Instant::now();
            eprintln!("{}", what());
        }
    }

    /// Does the work until it is done or somebody interrupts it, which loses nothing of it.
    async fn watch<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<Option<T>> {
        tokio::select! {
            done = work => done.map(Some),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                self.bar.abandon();
                eprintln!(
                    "interrupted: {} of {} events are in; the next run goes on from there",
                    self.bar.position(),
                    self.bar.length().unwrap_or(0)
                );
                Ok(None)
            }
        }
    }
}

impl Progress for Meter {
    fn resumes(&self, lane: u8, done: u64, total: u64) {
        self.note(lane, done, total);
        self.bar.reset_eta();
        let text =
            format!("lane {lane} goes on behind {done} of {total} events, which an earlier run has folded");
        self.bar.suspend(|| eprintln!("{text}"));
    }

    fn lane(&self, lane: u8, done: u64, total: u64) {
        let (done, total) = self.note(lane, done, total);
        self.tell(|| format!("{done} of {total} events are in"));
    }

    fn compared(&self, projection: &str, table: &str, rows: u64) {
        self.bar
            .set_message(format!("comparing {projection}.{table}, {rows} rows"));
        self.tell(|| format!("{rows} rows of {projection}.{table} are compared"));
    }

    fn stage(&self, stage: Stage) {
        self.bar.set_message(match stage {
            Stage::Building => "building",
            Stage::Indexing => "indexing",
            Stage::Settling => "settling",
            Stage::Comparing => "comparing",
            Stage::Swapping => "swapping",
        });
    }
}

/// The database that is meant: the configured one, or that of `tidings dev`, started for the while if it is not running.
pub(super) async fn database(config: &Config, data: &Path) -> anyhow::Result<(LogConfig, Option<Postgres>)> {
    if config.database_url.is_some() || !data.exists() {
        return Ok((config.log()?, None));
    }
    let dir = data.canonicalize()?.join("postgres");
    let at = |url: &str| -> anyhow::Result<LogConfig> {
        let mut log_config = LogConfig::from_url(url)?;
        log_config.home = config.home()?;
        Ok(log_config)
    };
    if let Some(url) = Postgres::running(&dir, dev::DATABASE) {
        return Ok((at(&url)?, None));
    }
    let postgres = Postgres::start(&dir, PostgresOptions::new(Profile::Durable)).await?;
    Ok((at(&postgres.url(dev::DATABASE))?, Some(postgres)))
}

pub(super) async fn open(log_config: &LogConfig) -> anyhow::Result<Log> {
    let pool = log_config.pool()?;
    schema::check(&pool).await?;
    tidings_projections::setup(&pool).await?;
    Ok(Log::new(pool, log_config.timeout))
}

/// Rebuilds, and says how much in how long.
pub(super) async fn replay(config: Config, names: &[String], data: &Path) -> anyhow::Result<ExitCode> {
    let (log_config, postgres) = database(&config, data).await?;
    let (bar, started) = (Meter::new(), Instant::now());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let replaying = async {
        let log = open(&log_config).await?;
        let replayed = tidings_projections::replay(&log, &names, WORKERS, &bar).await;
        replayed.context("the read models cannot be rebuilt")
    };
    let replayed = bar.watch(Box::pin(replaying)).await;
    stop(postgres).await?;
    let Some(replayed) = replayed? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    bar.bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "rebuilt {} from {} events in {seconds:.1} s ({:.0}/s), {} parked",
        replayed.projections.join(", "),
        replayed.events,
        replayed.events as f64 / seconds,
        replayed.parked
    );
    Ok(ExitCode::SUCCESS)
}

/// Takes the last rebuild of each of these back, one after the other.
pub(super) async fn rollback(config: Config, names: &[String], data: &Path) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(!names.is_empty(), "--projection is needed: which read models?");
    let (log_config, postgres) = database(&config, data).await?;
    let bar = Meter::new();
    let going_back = async {
        let log = open(&log_config).await?;
        for name in names {
            let went = tidings_projections::rollback(&log, name, WORKERS, &bar).await;
            went.with_context(|| format!("the last rebuild of {name} cannot be taken back"))?;
        }
        Ok(())
    };
    let went = bar.watch(Box::pin(going_back)).await;
    stop(postgres).await?;
    if went?.is_none() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    bar.bar.finish_and_clear();
    println!(
        "{}: what was there before the last rebuild is read again",
        names.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

/// Compares; exit code 1 when anything differs.
pub(super) async fn verify(config: Config, names: &[String], data: &Path) -> anyhow::Result<ExitCode> {
    let (log_config, postgres) = database(&config, data).await?;
    let bar = Meter::new();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let verifying = async {
        let log = open(&log_config).await?;
        let verified = tidings_projections::verify(&log, &names, WORKERS, &bar).await;
        verified.context("the read models cannot be verified")
    };
    let verified = bar.watch(Box::pin(verifying)).await;
    stop(postgres).await?;
    let Some(report) = verified? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    bar.bar.finish_and_clear();
    for table in &report.tables {
        let verdict = if table.equal { "equal" } else { "DIFFERENT" };
        println!(
            "{:14} {:14} {:>10} rows  {verdict}",
            table.projection, table.table, table.rows
        );
        for difference in &table.differences {
            let kind = match difference.kind {
                DifferenceKind::Missing => "missing",
                DifferenceKind::Unexpected => "unexpected",
                DifferenceKind::Changed => "changed",
            };
            println!("    {kind}: {}", difference.key.join(", "));
        }
    }
    if report.parked > 0 {
        println!(
            "{} events are parked; {} when folded anew",
            report.parked, report.parked_anew
        );
    }
    if report.is_equal() {
        println!("rebuilt equals live");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("rebuilt differs from live");
        Ok(ExitCode::FAILURE)
    }
}

pub(super) async fn stop(postgres: Option<Postgres>) -> anyhow::Result<()> {
    if let Some(postgres) = postgres {
        postgres.stop().await?;
    }
    Ok(())
}
