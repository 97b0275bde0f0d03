//! Clean-up of the offline inbox: messages that nobody fetched in time leave it, as an event, and stay in history.

use crate::lanes::Lanes;
use chrono::TimeDelta;
use std::time::Duration;
use tidings_domain::event::InboxExpired;
use tidings_domain::user::UserCommand;
use tidings_eventlog::Log;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Users cleaned up at once.
const PAGE: usize = 200;

/// How long offline messages wait, and how often they are looked through.
#[derive(Clone, Copy, Debug)]
pub struct InboxRules {
    pub keep: Duration,
    pub every: Duration,
}

/// Expires offline messages until `stop`. Several nodes may do it: moving a cursor twice changes nothing.
pub async fn run(log: Log, lanes: Lanes, rules: InboxRules, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rules.every) => {}
        }
        match expire(&log, &lanes, rules.keep).await {
            Ok(0) => {}
            Ok(users) => tracing::info!(users, "expired offline messages"),
            Err(error) => tracing::warn!(error, "offline messages could not be expired"),
        }
    }
}

/// Expires once; answers how many users' inboxes changed.
pub async fn expire(log: &Log, lanes: &Lanes, keep: Duration) -> Result<usize, String> {
    let keep = TimeDelta::from_std(keep).map_err(|error| error.to_string())?;
    let cutoff = crate::clock::now() - keep;
    let mut changed = 0;
    loop {
        let expired = tidings_projections::expired(log.pool(), cutoff, PAGE)
            .await
            .map_err(|error| error.to_string())?;
        let count = expired.len();
        let mut last = None;
        for (user, cursors) in expired {
            let command = UserCommand::ExpireInbox(InboxExpired { cursors });
            let accepted = lanes.submit_user(user, Uuid::now_v7(), command).await;
            last = Some(accepted.map_err(|refusal| refusal.to_string())?);
            changed += 1;
        }
        // A full page may have more behind it; the next look must not see these again.
        if count < PAGE || last.is_none() {
            return Ok(changed);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
