//! What accounts need from time to time.

use super::service::Inner;
use futures_util::future::join5;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Half of what every node may take to learn who is let in no longer.
const STANDING: Duration = Duration::from_millis(500);
/// How soon the log is told of deletions that it could not be told of at once.
const DELETIONS: Duration = Duration::from_secs(2);
/// How soon it is told of matters of accounts.
const MATTERS: Duration = Duration::from_secs(1);
const KEYS: Duration = Duration::from_mins(1);
const HOURLY: Duration = Duration::from_hours(1);
/// Rows removed by one statement, so that none holds its locks for long.
const PRUNE_ROWS: i64 = 5_000;

/// Runs until `stop`.
pub(super) async fn run(accounts: Arc<Inner>, stop: CancellationToken) {
    let (standing, keys) = (watch_standing(&accounts), watch_keys(&accounts));
    let (deletions, matters) = (tell_deletions(&accounts), tell_matters(&accounts));
    let work = join5(standing, deletions, matters, keys, tidy(&accounts));
    tokio::select! {
        () = stop.cancelled() => {}
        _ = Box::pin(work) => {}
    }
}

async fn watch_standing(accounts: &Inner) {
    let mut ticks = every(STANDING);
    loop {
        ticks.tick().await;
        if let Err(error) = accounts.shared.standing.look().await {
            tracing::warn!(%error, "suspended users and ended sessions cannot be looked up");
        }
    }
}

async fn tell_deletions(accounts: &Inner) {
    let mut ticks = every(DELETIONS);
    loop {
        ticks.tick().await;
        accounts.tell_deletions(None).await;
    }
}

async fn tell_matters(accounts: &Inner) {
    let mut ticks = every(MATTERS);
    loop {
        ticks.tick().await;
        accounts.tell_matters().await;
    }
}

async fn watch_keys(accounts: &Inner) {
    let mut ticks = every(KEYS);
    loop {
        ticks.tick().await;
        if let Err(error) = accounts.shared.keys.reload().await {
            tracing::warn!(%error, "signing keys cannot be loaded");
        }
    }
}

async fn tidy(accounts: &Inner) {
    let mut ticks = every(HOURLY);
    loop {
        ticks.tick().await;
        for issuer in &accounts.shared.issuers {
            issuer.refresh().await;
        }
        if let Err(error) = accounts.shared.keys.renew().await {
            tracing::warn!(%error, "signing keys cannot be renewed");
        }
        prune(accounts).await;
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Removes what has expired: sessions, of the living ones the tokens whose reuse need not be seen any more, and failed logins
/// and matters that count no longer.
async fn prune(accounts: &Inner) {
    let tokens = include_str!("sql/refresh_token_prune.sql");
    let sessions = include_str!("sql/session_prune.sql");
    let attempts = include_str!("sql/login_prune.sql");
    let matters = include_str!("sql/matter_prune.sql");
    for sql in [tokens, sessions, attempts, matters] {
        loop {
            match accounts.database.execute(sql, &[&PRUNE_ROWS]).await {
                Ok(removed) if removed == PRUNE_ROWS.unsigned_abs() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "what has expired cannot be removed");
                    return;
                }
            }
        }
    }
}
