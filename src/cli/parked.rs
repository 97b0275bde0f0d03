//! `tidings parked`: events that could not be folded into read models or reacted to, and trying them again.

use super::rebuild::{database, stop};
use crate::config::Config;
use clap::Subcommand;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use tidings_eventlog::{Log, LogConfig, Position, schema};
use tidings_projections::{parked, reactors_parked, retry_parked, retry_reactor, skip_reactor};

/// Events that are listed at most, the oldest first.
const LISTED_MAX: u32 = 1000;

/// What to do with them, instead of listing them.
#[derive(Subcommand)]
pub(super) enum ParkedCommand {
    /// Fold them again, and have a running node react to them again.
    Retry,
    /// Give up an event that a reactor could not react to.
    Skip {
        /// The reactor's name.
        reactor: String,
        /// The event, as LANE:POSITION.
        #[arg(value_parser = place)]
        place: Position,
    },
}

fn place(text: &str) -> Result<Position, String> {
    let read = || {
        let (lane, pos) = text.split_once(':')?;
        Some(Position {
            lane: lane.parse().ok()?,
            pos: pos.parse().ok()?,
        })
    };
    read().ok_or_else(|| "a place is a lane and a position: 3:1700".to_owned())
}

pub(super) async fn run(
    config: Config,
    data: &Path,
    command: Option<ParkedCommand>,
) -> anyhow::Result<ExitCode> {
    let (log_config, postgres) = database(&config, data).await?;
    let done = match command {
        None => list(&log_config).await,
        Some(ParkedCommand::Retry) => retry(&log_config).await,
        Some(ParkedCommand::Skip { reactor, place }) => skip(&log_config, &reactor, place).await,
    };
    stop(postgres).await?;
    done
}

async fn open(log_config: &LogConfig) -> anyhow::Result<Log> {
    let pool = log_config.pool()?;
    schema::check(&pool).await?;
    Ok(Log::new(pool, log_config.timeout))
}

async fn list(log_config: &LogConfig) -> anyhow::Result<ExitCode> {
    let log = open(log_config).await?;
    let mut events = parked(log.pool(), LISTED_MAX).await?;
    events.extend(reactors_parked(log.pool(), LISTED_MAX).await?);
    for event in &events {
        println!(
            "{}  {:14} {}:{}  stream {}  tried {} times  {}",
            event.parked_at.format("%Y-%m-%dT%H:%M:%SZ"),
            event.projection,
            event.lane,
            event.pos,
            event.stream,
            event.attempts,
            event.error
        );
    }
    println!("{} events are parked", count(events.len()));
    Ok(ExitCode::SUCCESS)
}

fn count(events: usize) -> String {
    if events < LISTED_MAX as usize {
        events.to_string()
    } else {
        format!("at least {events}")
    }
}

/// Tries all projections that have any; exit code 1 when some are left.
async fn retry(log_config: &LogConfig) -> anyhow::Result<ExitCode> {
    let log = open(log_config).await?;
    let events = parked(log.pool(), LISTED_MAX).await?;
    let projections: BTreeSet<_> = events.into_iter().map(|event| event.projection).collect();
    let mut left = 0;
    for projection in projections {
        let retried = retry_parked(&log, &projection).await?;
        left += retried.left;
        println!(
            "{projection:14} {} folded, {} still parked",
            retried.applied, retried.left
        );
    }
    let reactors: BTreeSet<_> = reactors_parked(log.pool(), LISTED_MAX)
        .await?
        .into_iter()
        .map(|event| event.projection)
        .collect();
    for reactor in reactors {
        let again = retry_reactor(log.pool(), &reactor).await?;
        println!("{reactor:14} {again} will be tried again by the node that runs it");
    }
    println!("{left} events are parked");
    Ok(if left == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn skip(log_config: &LogConfig, reactor: &str, place: Position) -> anyhow::Result<ExitCode> {
    let log = open(log_config).await?;
    let found = skip_reactor(log.pool(), reactor, place.lane, place.pos).await?;
    let (lane, pos) = (place.lane, place.pos);
    if found {
        println!("{lane}:{pos} is given up by {reactor}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{reactor} has not put {lane}:{pos} aside");
    Ok(ExitCode::FAILURE)
}
