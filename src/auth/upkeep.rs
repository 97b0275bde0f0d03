//! What accounts need from time to time.

use super::accounts::Inner;
use futures_util::future::join3;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const SUSPENSIONS: Duration = Duration::from_secs(2);
const KEYS: Duration = Duration::from_mins(1);
const HOURLY: Duration = Duration::from_hours(1);
/// Rows removed by one statement, so that none holds its locks for long.
const PRUNE_ROWS: i64 = 5_000;

/// Runs until `stop`.
pub(super) async fn run(accounts: Arc<Inner>, stop: CancellationToken) {
    let work = join3(
        watch_suspensions(&accounts),
        watch_keys(&accounts),
        tidy(&accounts),
    );
    tokio::select! {
        () = stop.cancelled() => {}
        _ = Box::pin(work) => {}
    }
}

async fn watch_suspensions(accounts: &Inner) {
    let mut ticks = every(SUSPENSIONS);
    loop {
        ticks.tick().await;
        if let Err(error) = accounts.shared.suspensions.look().await {
            tracing::warn!(%error, "suspended accounts cannot be looked up");
        }
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

/// Removes what has expired: sessions, and of the living ones the tokens whose reuse need not be seen any more.
async fn prune(accounts: &Inner) {
    let tokens = "DELETE FROM refresh_token WHERE hash IN \
                  (SELECT hash FROM refresh_token WHERE expires_at < now() ORDER BY expires_at LIMIT $1)";
    let sessions = "DELETE FROM session WHERE id IN \
                    (SELECT id FROM session WHERE expires_at < now() ORDER BY expires_at LIMIT $1)";
    for sql in [tokens, sessions] {
        loop {
            match accounts.database.execute(sql, &[&PRUNE_ROWS]).await {
                Ok(removed) if removed == PRUNE_ROWS.unsigned_abs() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "expired sessions cannot be removed");
                    return;
                }
            }
        }
    }
}
