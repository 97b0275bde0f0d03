//! The root of mutations: what administrators do. The log says who ordered it before it is done.

use super::admin::announcement::{self, Announcement};
use super::admin::parked::{self, Parked, ParkedState};
use super::admin::rebuild::{self, RebuildJob};
use super::admin::report::{self, Report, ReportAction};
use super::id;
use super::loaders::Loaders;
use super::time::Time;
use super::user::{self, User};
use crate::backend::{Backend, Order, ReportOrder, Withholding, WithholdingOrder};
use crate::database::Database;
use crate::errors::{Code, Refusal};
use crate::freshness::Freshness;
use crate::viewer::{Viewer, admin, moderator};
use async_graphql::{Context, ID, Object, Result};
use std::sync::Arc;
use uuid::Uuid;

/// The longest reason, in bytes.
const REASON_BYTES_MAX: usize = 1024;

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    /// Shuts a user out: their connections end and their tokens are refused, on all nodes within a second.
    async fn suspend_user(&self, context: &Context<'_>, id: ID, reason: String) -> Result<User> {
        let viewer = admin(context)?;
        let user = id::parse("id", &id)?;
        if user == viewer.user {
            return Err(Refusal::invalid("id", "administrators do not suspend themselves").into());
        }
        let reason = why(reason)?;
        order(context, viewer, Order::SuspendUser { user, reason }).await?;
        person(context, user).await
    }

    /// Takes a suspension back.
    async fn reinstate_user(&self, context: &Context<'_>, id: ID) -> Result<User> {
        let viewer = admin(context)?;
        let user = id::parse("id", &id)?;
        order(context, viewer, Order::ReinstateUser { user }).await?;
        person(context, user).await
    }

    /// Deletes an account for good. Its user is let in nowhere any more, on all nodes within a second, and leaves their groups soon behind that. What
    /// they have said stays, as by a `deleted user`.
    async fn delete_user(&self, context: &Context<'_>, id: ID, reason: String) -> Result<User> {
        let viewer = admin(context)?;
        let user = id::parse("id", &id)?;
        if user == viewer.user {
            return Err(Refusal::invalid("id", "administrators do not delete themselves").into());
        }
        let reason = why(reason)?;
        order(context, viewer, Order::DeleteUser { user, reason }).await?;
        Ok(user::anew(context, user).await?)
    }

    /// Ends all sessions of a user, with their connections: they have to sign in again everywhere. How many there were.
    async fn revoke_sessions(&self, context: &Context<'_>, id: ID, reason: String) -> Result<i32> {
        let viewer = admin(context)?;
        let user = id::parse("id", &id)?;
        let reason = why(reason)?;
        let ended = order(context, viewer, Order::RevokeSessions { user, reason }).await?;
        Ok(count(ended))
    }

    /// Closes connections, on whatever nodes: those of a user, or those of a session, which is the connection's own or that of
    /// its token. With both, those that are of both. Their clients come again. How many were closed.
    async fn disconnect(&self, context: &Context<'_>, user: Option<ID>, session: Option<ID>) -> Result<i32> {
        let viewer = admin(context)?;
        let user = user.map(|user| id::parse("user", &user)).transpose()?;
        let session = session
            .map(|session| id::parse("session", &session))
            .transpose()?;
        if user.is_none() && session.is_none() {
            return Err(Refusal::invalid("user", "a user or a session is needed").into());
        }
        let closed = order(context, viewer, Order::Disconnect { user, session }).await?;
        Ok(count(closed))
    }

    /// Tries an event that is parked again, and those that wait behind it in its stream. It is answered as it was found, or as it is
    /// now where it could not be folded again. What a reactor has put aside is tried within some seconds by the node that runs it.
    async fn retry_parked(&self, context: &Context<'_>, id: ID) -> Result<Parked> {
        let viewer = admin(context)?;
        let (found, again) = parked_of(context, &id).await?;
        order(context, viewer, again(None)).await?;
        let database = context.data_unchecked::<Database>();
        Ok(match parked::one(database, &id).await? {
            Some(still) => still,
            None => found.now(ParkedState::Folded),
        })
    }

    /// Leaves an event that is parked out of its read model, and tries those that wait behind it in its stream. Only the first of a
    /// stream can be left out. A rebuild meets it again. To what a reactor has put aside it will not react.
    async fn skip_parked(&self, context: &Context<'_>, id: ID, reason: String) -> Result<Parked> {
        let viewer = admin(context)?;
        let reason = why(reason)?;
        let (found, leave_out) = parked_of(context, &id).await?;
        if order(context, viewer, leave_out(Some(reason))).await? == 0 {
            return Err(Refusal::invalid("id", "an earlier event of the same stream is parked").into());
        }
        Ok(found.now(ParkedState::Skipped))
    }

    /// Builds a read model from the log, beside the one that is read, and puts it in its place. The work goes on in the
    /// background; `admin.rebuilds` says how far it is.
    async fn rebuild_projection(&self, context: &Context<'_>, name: String) -> Result<RebuildJob> {
        let viewer = admin(context)?;
        let name = known(&name)?;
        order(context, viewer, Order::RebuildProjection { name }).await?;
        job(context, name).await
    }

    /// Takes the last rebuild of a read model back: the tables that it has replaced are brought up to date in the background and put in
    /// place again. A second rollback takes the first one back.
    async fn rollback_projection(&self, context: &Context<'_>, name: String) -> Result<RebuildJob> {
        let viewer = admin(context)?;
        let name = known(&name)?;
        order(context, viewer, Order::RollbackProjection { name }).await?;
        job(context, name).await
    }

    /// Does something about a report. What settles it is done once: the same again is answered alike, and anything else is a conflict. `RECALL`
    /// takes the message back, and its `note` is told to members as the reason; else settling shows the message again that is withheld. `versions`
    /// are those of the report that the viewer has seen, or else as it is shown now: where it was made once more, it is a conflict.
    async fn resolve_report(
        &self,
        context: &Context<'_>,
        id: ID,
        action: ReportAction,
        note: Option<String>,
        versions: Option<u32>,
    ) -> Result<Report> {
        let viewer = moderator(context)?;
        let id = id::parse("id", &id)?;
        let found = reported(context, viewer, id).await?;
        let (conversation, message) = found.about();
        let handling = ReportOrder {
            report: id,
            reports: found.reports(),
            versions: versions.unwrap_or(found.versions),
            conversation,
            message,
            handling: action.into(),
            note,
        };
        write(context, viewer, Order::HandleReport(handling)).await?;
        Ok(reported(context, viewer, id).await?)
    }

    /// Withholds the message of a report from everybody until one of its reports is settled, and makes the report the viewer's. `note` is told to
    /// members as the reason. What is settled is a conflict. `versions` as in `resolveReport`.
    async fn withhold_reported(
        &self,
        context: &Context<'_>,
        id: ID,
        note: String,
        versions: Option<u32>,
    ) -> Result<Report> {
        let viewer = moderator(context)?;
        let id = id::parse("id", &id)?;
        Ok(withhold(context, viewer, (id, versions), Withholding::On { note }).await?)
    }

    /// Shows the message of a report again that is withheld, and makes the report the viewer's. What is settled is a conflict. `versions` as in
    /// `resolveReport`.
    async fn show_reported_again(
        &self,
        context: &Context<'_>,
        id: ID,
        note: Option<String>,
        versions: Option<u32>,
    ) -> Result<Report> {
        let viewer = moderator(context)?;
        let id = id::parse("id", &id)?;
        Ok(withhold(context, viewer, (id, versions), Withholding::Off { note }).await?)
    }

    /// Gives a rebuild up. What has been folded is kept for the next one.
    async fn cancel_rebuild(&self, context: &Context<'_>, name: String) -> Result<RebuildJob> {
        let viewer = admin(context)?;
        let name = known(&name)?;
        if order(context, viewer, Order::CancelRebuild { name }).await? == 0 {
            return Err(Refusal::invalid("name", "it is not being rebuilt").into());
        }
        job(context, name).await
    }

    /// Tells everybody something: `text` of up to 8,192 bytes, now, or `at` a time within a year. Who is there is told at once, who is not when they
    /// come back.
    async fn announce(&self, context: &Context<'_>, text: String, at: Option<Time>) -> Result<Announcement> {
        let viewer = admin(context)?;
        let backend = context.data_unchecked::<Arc<dyn Backend>>();
        let made = backend
            .announce(viewer.user, text.clone(), at.map(|at| at.0))
            .await?;
        Ok(Announcement::made(viewer.user, text, at.is_some(), made))
    }

    /// Takes an announcement back before its time, which is a `conflict` from then on.
    async fn cancel_announcement(&self, context: &Context<'_>, id: ID) -> Result<Announcement> {
        let viewer = admin(context)?;
        let announcement = id::parse("id", &id)?;
        write(context, viewer, Order::CancelAnnouncement { announcement }).await?;
        Ok(announcement::one(context.data_unchecked::<Database>(), announcement).await?)
    }
}

/// Has an order carried out, and returns how much was done.
async fn order(context: &Context<'_>, viewer: &Viewer, order: Order) -> Result<u64, Refusal> {
    let backend = context.data_unchecked::<Arc<dyn Backend>>();
    Ok(backend.carry_out(viewer.user, order).await?.count())
}

/// Has an order carried out that the log holds then, and waits until the read models include it.
async fn write(context: &Context<'_>, viewer: &Viewer, order: Order) -> Result<(), Refusal> {
    let backend = context.data_unchecked::<Arc<dyn Backend>>();
    let done = backend.carry_out(viewer.user, order).await?;
    let freshness = context.data_unchecked::<Freshness>();
    freshness.passed(done.position().as_slice()).await
}

/// The report of that id, of somebody else's message.
async fn reported(context: &Context<'_>, viewer: &Viewer, id: Uuid) -> Result<Report, Refusal> {
    let found = report::one(context, viewer.user, id).await?;
    found.ok_or_else(|| Refusal::new(Code::NotFound, "there is no such report"))
}

/// Has the message of a report withheld or shown again, where the report is of so many versions.
async fn withhold(
    context: &Context<'_>,
    viewer: &Viewer,
    (id, versions): (Uuid, Option<u32>),
    withholding: Withholding,
) -> Result<Report, Refusal> {
    let found = reported(context, viewer, id).await?;
    let (conversation, message) = found.about();
    let order = WithholdingOrder {
        report: id,
        reports: found.reports(),
        versions: versions.unwrap_or(found.versions),
        conversation,
        message,
        withholding,
    };
    write(context, viewer, Order::WithholdReported(order)).await?;
    reported(context, viewer, id).await
}

fn count(done: u64) -> i32 {
    i32::try_from(done).unwrap_or(i32::MAX)
}

fn why(reason: String) -> Result<String, Refusal> {
    if reason.len() > REASON_BYTES_MAX {
        let message = format!("a reason is longer than {REASON_BYTES_MAX} bytes");
        return Err(Refusal {
            field: Some("reason".into()),
            ..Refusal::new(Code::TooLarge, message)
        });
    }
    if reason.trim().is_empty() {
        return Err(Refusal::invalid("reason", "must not be empty"));
    }
    Ok(reason)
}

/// A read model of that name.
fn known(name: &str) -> Result<&'static str, Refusal> {
    tidings_projections::names()
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(|| Refusal::new(Code::NotFound, "no such read model"))
}

/// The person that something was done to, with what was remembered of them forgotten.
async fn person(context: &Context<'_>, user: Uuid) -> Result<User> {
    context.data_unchecked::<Loaders>().suspensions.forget();
    Ok(user::part(context, user).await?)
}

/// An event that is parked, and what can be ordered about it: to leave it out for a reason, or to try it again.
async fn parked_of(
    context: &Context<'_>,
    id: &ID,
) -> Result<(Parked, impl FnOnce(Option<String>) -> Order + use<>)> {
    let found = parked::one(context.data_unchecked::<Database>(), id).await?;
    let found = found.ok_or_else(|| Refusal::new(Code::NotFound, "no such event is parked"))?;
    let (projection, lane, pos, stream) = found.address();
    let order = move |reason| match reason {
        None => Order::RetryParked {
            projection,
            lane,
            pos,
            stream,
        },
        Some(reason) => Order::SkipParked {
            projection,
            lane,
            pos,
            stream,
            reason,
        },
    };
    Ok((found, order))
}

async fn job(context: &Context<'_>, name: &'static str) -> Result<RebuildJob> {
    let jobs = rebuild::all(context.data_unchecked::<Arc<dyn Backend>>().as_ref()).await?;
    let found = jobs.into_iter().find(|job| job.is_of(name));
    Ok(found.ok_or_else(|| Refusal::new(Code::NotFound, "it was never rebuilt"))?)
}
