//! What administrators order, carried out: first the log says so.

use super::Administration;
use super::rebuilds::Way;
use super::reports;
use crate::accounts::AccountError;
use crate::outcome::Accepted;
use tidings_domain::event::Acted;
use tidings_domain::{Act, UserId};
use tidings_graphql::{Code, Done, Order, Refusal, Withholding};
use tidings_projections::{
    ProjectionError, find, retry_parked_stream, retry_reactor_event, skip_parked, skip_reactor,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Orders that are carried out at the same time.
const AT_ONCE: usize = 16;

/// An order, and who waits for it.
pub(super) struct Ordered {
    pub(super) by: Uuid,
    pub(super) order: Order,
    pub(super) reply: oneshot::Sender<Result<Done, Refusal>>,
}

impl Administration {
    /// Carries out what is ordered, until `stop`.
    pub(super) async fn obey(self, mut orders: mpsc::Receiver<Ordered>, stop: CancellationToken) {
        let mut acts = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(done) = acts.join_next() => {
                    if let Err(error) = done {
                        tracing::error!(%error, "an order could not be carried out to its end");
                    }
                }
                Some(ordered) = orders.recv(), if acts.len() < AT_ONCE => {
                    acts.spawn(self.clone().act(ordered));
                }
            }
        }
    }

    async fn act(self, ordered: Ordered) {
        let Ordered { by, order, reply } = ordered;
        let rebuild = match order {
            Order::RebuildProjection { name } => Some((name, Way::Anew)),
            Order::RollbackProjection { name } => Some((name, Way::Back)),
            _ => None,
        };
        let done = match self.record(by, &order).await {
            Ok(()) => self.do_it(by, order).await,
            Err(refusal) => Err(refusal),
        };
        let is_begun = done.is_ok();
        // Whoever ordered it may have hung up.
        let _ = reply.send(done);
        if let Some((name, way)) = rebuild
            && is_begun
        {
            Box::pin(self.rebuild(name, way)).await;
        }
    }

    /// Has the log say what is about to be done.
    async fn record(&self, by: Uuid, order: &Order) -> Result<(), Refusal> {
        self.write_down(by, acted(order)).await
    }

    /// Has the log say what somebody does or looks at.
    pub(super) async fn write_down(&self, by: Uuid, acted: Acted) -> Result<(), Refusal> {
        tracing::info!(user = %by, act = acted.act, target = acted.target, "an administrator acts");
        let lanes = &self.0.ground.lanes;
        match lanes.submit_act(UserId(by), crate::clock::id(), acted).await {
            Ok(_) => Ok(()),
            Err(refusal) => {
                tracing::warn!(%refusal, "the log does not take an act of an administrator");
                Err(Refusal::unavailable("the log does not take it just now"))
            }
        }
    }

    async fn do_it(&self, by: Uuid, order: Order) -> Result<Done, Refusal> {
        let ground = &self.0.ground;
        let count = match order {
            Order::SuspendUser { user, .. } => known(ground.accounts.suspend(user).await),
            Order::ReinstateUser { user } => known(ground.accounts.reinstate(user).await),
            Order::DeleteUser { user, .. } => known(ground.accounts.delete(user).await),
            Order::RevokeSessions { user, .. } => {
                let revoked = ground.accounts.revoke_sessions(user).await;
                revoked.map_err(|error| unchanged(&error))
            }
            Order::Disconnect { user, session } => self.disconnect(user, session).await,
            Order::RetryParked {
                projection: name,
                lane,
                pos,
                ..
            } if find(&name).is_none() => {
                let asked = retry_reactor_event(ground.tables.pool(), &name, lane, pos).await;
                asked.map(u64::from).map_err(|error| stuck(&error))
            }
            Order::RetryParked {
                projection, stream, ..
            } => self.retry(&projection, stream).await,
            Order::SkipParked {
                projection: name,
                lane,
                pos,
                ..
            } if find(&name).is_none() => {
                let skipped = skip_reactor(ground.tables.pool(), &name, lane, pos).await;
                skipped.map(u64::from).map_err(|error| stuck(&error))
            }
            Order::SkipParked {
                projection,
                lane,
                pos,
                stream,
                ..
            } => {
                let skipped = skip_parked(&ground.log, &projection, lane, pos).await;
                if !skipped.map_err(|error| stuck(&error))? {
                    return Ok(Done::Count(0));
                }
                self.retry(&projection, stream).await?;
                Ok(1)
            }
            Order::RebuildProjection { name } => self.begin_rebuild(name, by, Way::Anew).await,
            Order::RollbackProjection { name } => self.begin_rollback(name, by).await,
            Order::CancelRebuild { name } => self.cancel_rebuild(name).await,
            Order::Announce {
                announcement,
                text,
                at,
            } => return self.make_announcement(by, announcement, text, at).await,
            Order::CancelAnnouncement { announcement } => return self.take_back(by, announcement).await,
            Order::HandleReport(order) => return self.handle_report(by, order).await,
            Order::WithholdReported(order) => return self.withhold_reported(by, order).await,
        };
        count.map(Done::Count)
    }

    async fn retry(&self, projection: &str, stream: Uuid) -> Result<u64, Refusal> {
        let retried = retry_parked_stream(&self.0.ground.log, projection, stream).await;
        Ok(retried.map_err(|error| stuck(&error))?.applied)
    }
}

/// That an order is in the log.
pub(super) fn written(accepted: &Accepted) -> Done {
    Done::Written {
        position: accepted.position,
        at: accepted.at,
    }
}

/// The event that says so.
fn acted(order: &Order) -> Acted {
    let (act, target, reason) = match order {
        Order::SuspendUser { user, reason } => (Act::SuspendUser, user.to_string(), Some(reason)),
        Order::ReinstateUser { user } => (Act::ReinstateUser, user.to_string(), None),
        Order::DeleteUser { user, reason } => (Act::DeleteUser, user.to_string(), Some(reason)),
        Order::RevokeSessions { user, reason } => (Act::RevokeSessions, user.to_string(), Some(reason)),
        Order::Disconnect { user, session } => {
            let user = user.map(|user| format!("user {user}"));
            let session = session.map(|session| format!("session {session}"));
            let target: Vec<String> = user.into_iter().chain(session).collect();
            (Act::Disconnect, target.join(", "), None)
        }
        Order::RetryParked {
            projection,
            lane,
            pos,
            ..
        } => (Act::RetryParked, format!("{projection}:{lane}:{pos}"), None),
        Order::SkipParked {
            projection,
            lane,
            pos,
            reason,
            ..
        } => (
            Act::SkipParked,
            format!("{projection}:{lane}:{pos}"),
            Some(reason),
        ),
        Order::RebuildProjection { name } => (Act::RebuildProjection, (*name).to_owned(), None),
        Order::CancelRebuild { name } => (Act::CancelRebuild, (*name).to_owned(), None),
        Order::RollbackProjection { name } => (Act::RollbackProjection, (*name).to_owned(), None),
        Order::Announce { announcement, .. } => (Act::Announce, announcement.to_string(), None),
        Order::CancelAnnouncement { announcement } => {
            (Act::CancelAnnouncement, announcement.to_string(), None)
        }
        // Not which report: its id follows from whose it is.
        Order::HandleReport(order) => {
            let about = reports::about(order.conversation, order.message);
            (
                Act::HandleReport,
                format!("{about}: {}", order.handling.as_str()),
                order.note.as_ref(),
            )
        }
        Order::WithholdReported(order) => {
            let about = reports::about(order.conversation, order.message);
            match &order.withholding {
                Withholding::On { note } => (Act::WithholdReported, about, Some(note)),
                Withholding::Off { note } => (Act::ShowReportedAgain, about, note.as_ref()),
            }
        }
    };
    Acted {
        act: act.as_str().to_owned(),
        target,
        reason: reason.cloned(),
    }
}

/// What was done to an account, if there is one.
fn known(found: Result<bool, AccountError>) -> Result<u64, Refusal> {
    match found {
        Ok(true) => Ok(1),
        Ok(false) => Err(Refusal::new(Code::NotFound, "there is no such user")),
        Err(error) => Err(unchanged(&error)),
    }
}

fn unchanged(error: &AccountError) -> Refusal {
    tracing::warn!(%error, "an account could not be changed");
    Refusal::unavailable("accounts cannot be changed just now")
}

fn stuck(error: &ProjectionError) -> Refusal {
    tracing::warn!(%error, "what is parked could not be worked on");
    Refusal::unavailable("what is parked cannot be worked on just now")
}
