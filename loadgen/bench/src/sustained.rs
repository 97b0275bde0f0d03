//! `sustained`: whether what a node accepts for seconds it accepts for minutes, with checkpoints and autovacuum at work.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_report::{Aim, Progress, Report, median};
use tidings_stand::Stand;

use crate::accept::{Crowd, Pace};
use crate::database::Database;
use crate::lag::Lag;
use crate::setting::{Setting, at_least_one};

/// Of what a full window reaches: a rate that a node is run at, and no queue.
const SHARE: f64 = 0.5;
/// How much longer read models may lag in the last third than in the first: what grows for ten minutes grows for ever.
const GROWTH_MAX: f64 = 1.5;
/// A lag below this is a gathering, and its growth says nothing, in seconds.
const GATHERING_S: f64 = 1.0;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// Each is between two of them.
    #[arg(long, default_value_t = 1_000)]
    conversations: usize,
    /// Messages a second; without it, half of what a full window reaches.
    #[arg(long)]
    rate: Option<f64>,
    /// How long messages are sent.
    #[arg(long, default_value_t = 600, value_parser = at_least_one::<u64>)]
    seconds: u64,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let measuring = async |stand: &Stand, report: &mut Report| measure(stand, &args, report).await;
    args.setting.report("sustained", measuring).await
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let progress = Progress::new("sustained", 3);
    let database = Arc::new(Database::of(stand).await?);
    // Often enough that each happens several times; a server that runs for days has no fewer of them for its work.
    for setting in ["checkpoint_timeout = '2min'", "autovacuum_naptime = '15s'"] {
        database.run(&format!("ALTER SYSTEM SET {setting}")).await?;
    }
    database.run("SELECT pg_reload_conf()").await?;
    progress.step("people connect");
    let mut crowd = Crowd::gather(node, args.connections, args.conversations).await?;
    let rate = if let Some(rate) = args.rate {
        rate
    } else {
        progress.step("a full window");
        let full = crowd.round(Pace::Window(16), Duration::from_secs(8)).await?;
        full.rate() * SHARE
    };
    let before = Upkeep::of(&database).await?;
    progress.step(&format!("{rate:.0} messages a second for {} s", args.seconds));
    let lag = Lag::watch(Arc::clone(&database));
    let tally = crowd
        .round(Pace::Rate(rate), Duration::from_secs(args.seconds))
        .await?;
    let behind = lag.end().await?;
    let upkeep = Upkeep::of(&database).await?;

    let minutes = by_the_minute(&tally.series());
    report.figure("messages that were to be sent", "1/s", &[rate]);
    report.figure("durable acks, minute by minute", "1/s", &minutes);
    // The middle one says nothing of those in which it stood still.
    let worst = minutes.iter().copied().fold(f64::INFINITY, f64::min);
    report
        .figure("durable acks, worst minute", "1/s", &[worst])
        .ratio_to("what was to be sent", &[rate])
        .aim(Aim::AtLeast(0.98));
    report.latencies("send to ack", &tally.latencies);
    let lags: Vec<f64> = behind.series.iter().map(|(_, events)| events / rate).collect();
    let third = lags.len() / 3;
    let (first, last) = (
        median(&lags[..third.max(1)]),
        median(&lags[lags.len() - third.max(1)..]),
    );
    report
        .figure("read models behind, at most", "s", &[behind.most as f64 / rate])
        .aim(Aim::AtMost(2.0));
    report.figure("search behind, at most", "s", &[behind.lagging as f64 / rate]);
    report
        .figure(
            "read models and search behind, last third",
            "s",
            &[last.max(GATHERING_S)],
        )
        .ratio_to("first third", &[first.max(GATHERING_S)])
        .aim(Aim::AtMost(GROWTH_MAX));
    report.figure(
        "checkpoints meanwhile",
        "",
        &[upkeep.checkpoints - before.checkpoints],
    );
    report.figure(
        "tables vacuumed or analysed meanwhile",
        "",
        &[upkeep.vacuums - before.vacuums],
    );
    report.series("acks", "1/s", &tally.series());
    report.series("read models and search behind", "events", &behind.series);
    let checked = crowd.judge().await?;
    report.note(format!("checker: PASS, {checked}"));
    if upkeep.checkpoints <= before.checkpoints || upkeep.vacuums <= before.vacuums {
        report.note("too short: it met no checkpoint or no autovacuum".to_owned());
    }
    Ok(())
}

/// How often PostgreSQL has looked after itself.
struct Upkeep {
    checkpoints: f64,
    vacuums: f64,
}

impl Upkeep {
    async fn of(database: &Database) -> Result<Self> {
        let version: i32 = database
            .row("SELECT current_setting('server_version_num')::int")
            .await?
            .try_get(0)?;
        // Since 17 the checkpointer has a view of its own.
        let checkpoints = if version >= 170_000 {
            "SELECT (num_timed + num_requested)::float8 FROM pg_stat_checkpointer"
        } else {
            "SELECT (checkpoints_timed + checkpoints_req)::float8 FROM pg_stat_bgwriter"
        };
        let vacuums =
            "SELECT coalesce(sum(autovacuum_count + autoanalyze_count), 0)::float8 FROM pg_stat_user_tables";
        Ok(Self {
            checkpoints: database.row(checkpoints).await?.try_get(0)?,
            vacuums: database.row(vacuums).await?.try_get(0)?,
        })
    }
}

/// Acks a second in each whole minute, or over all where there is none.
fn by_the_minute(series: &[(f64, f64)]) -> Vec<f64> {
    let mean =
        |points: &[(f64, f64)]| points.iter().map(|(_, rate)| rate).sum::<f64>() / points.len().max(1) as f64;
    let per_minute = series.iter().take_while(|(at, _)| *at < 60.0).count();
    let whole = series
        .chunks_exact(per_minute.max(1))
        .map(mean)
        .collect::<Vec<_>>();
    if whole.is_empty() {
        vec![mean(series)]
    } else {
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_means_of_their_slices() {
        let series: Vec<(f64, f64)> = (0..520)
            .map(|n| (f64::from(n) * 0.25, f64::from(n / 240)))
            .collect();
        assert_eq!(by_the_minute(&series), [0.0, 1.0]);
        assert_eq!(by_the_minute(&series[..2]), [0.0]);
        assert_eq!(by_the_minute(&[]), [0.0]);
    }
}
