//! Expiry of the offline inbox: messages that nobody fetched in time leave it, as an event, and stay in history.

use crate::lanes::Lanes;
use chrono::TimeDelta;
use std::time::Duration;
use tidings_domain::event::InboxExpired;
use tidings_domain::user::UserCommand;
use tidings_eventlog::Log;
use tidings_projections::{Expiry, Place};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// After so many refusals one behind the other, it is not the users that are the cause.
const REFUSED_IN_A_ROW: usize = 10;

/// How long offline messages wait, and how often they are looked through.
#[derive(Clone, Copy, Debug)]
pub struct InboxRules {
    pub keep: Duration,
    pub every: Duration,
}

/// Expires offline messages until `stop`, where no other node does it already.
pub async fn expire_inboxes(log: Log, lanes: Lanes, rules: InboxRules, stop: CancellationToken) {
    // Kept from one time to the next, so that it is the same node that does it.
    let mut task = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rules.every) => {}
        }
        let looked = tokio::select! {
            () = stop.cancelled() => return,
            looked = look(&log, &lanes, rules.keep, &mut task) => looked,
        };
        match looked {
            Ok(0) => {}
            Ok(users) => tracing::info!(users, "expired offline messages"),
            Err(error) => {
                task = None;
                tracing::warn!(%error, "offline messages could not be expired");
            }
        }
    }
}

/// Looks through all inboxes once, unless somebody else does; answers how many were changed.
async fn look(log: &Log, lanes: &Lanes, keep: Duration, task: &mut Option<Expiry>) -> anyhow::Result<usize> {
    if task.is_none() {
        *task = Expiry::take(log.pool()).await?;
    }
    match task {
        Some(task) => expire(task, lanes, keep).await,
        None => Ok(0),
    }
}

async fn expire(task: &Expiry, lanes: &Lanes, keep: Duration) -> anyhow::Result<usize> {
    let cutoff = crate::clock::now() - TimeDelta::from_std(keep)?;
    let (mut changed, mut refused, mut place) = (0, 0, Some(Place::default()));
    while let Some(after) = place {
        let page = task.page(cutoff, after).await?;
        for (user, cursors) in page.inboxes {
            let command = UserCommand::ExpireInbox(InboxExpired { cursors });
            match lanes.submit_user(user, Uuid::now_v7(), command).await {
                Ok(_) => (changed, refused) = (changed + 1, 0),
                Err(refusal) => {
                    // One whose stream cannot be read keeps nobody else's waiting.
                    tracing::debug!(user = %user.0, %refusal, "an inbox was left as it is");
                    refused += 1;
                    anyhow::ensure!(refused < REFUSED_IN_A_ROW, refusal);
                }
            }
        }
        place = page.next;
    }
    Ok(changed)
}
