//! What administrators see of the whole server.

pub(crate) mod announcement;
mod audit;
mod connection;
mod node;
pub(crate) mod parked;
mod people;
pub(crate) mod projection;
pub(crate) mod rebuild;
pub(crate) mod report;
mod setting;
pub(crate) mod stats;
mod trace;

use super::cursor::{
    AnnouncementPlace, AuditPlace, ConnectionPlace, EventPlace, ParkedPlace, PersonPlace, ReportPlace,
};
use super::event::EventConnection;
use super::id;
use super::page::{List, Page};
use super::time::Time;
use super::user::User;
use crate::backend::{Backend, EventFilter};
use crate::database::Database;
use crate::errors::Refusal;
use crate::freshness::Freshness;
use crate::viewer::Auditors;
use announcement::Announcement;
use async_graphql::{Context, ID, Object, Result};
use audit::Audit;
use connection::Connection;
use node::Node;
use parked::Parked;
use projection::ProjectionStatus;
use rebuild::RebuildJob;
use report::{Report, ReportState};
use setting::Setting;
use stats::Stats;
use std::sync::Arc;
use trace::MessageTrace;

/// The administration. Whoever has it has a role; moderators see reports alone.
pub(crate) struct Admin;

#[Object]
impl Admin {
    /// The read models, by name.
    #[graphql(guard = "Auditors")]
    async fn projections(&self, context: &Context<'_>) -> Vec<ProjectionStatus> {
        projection::all(context.data_unchecked::<Freshness>())
    }

    /// Events that could not be folded into a read model and wait, with the later ones of their streams, and those that a reactor could not
    /// answer: by the name of either and by position.
    #[graphql(guard = "Auditors")]
    async fn parked(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<ParkedPlace, Parked>> {
        let page = Page::parse(first, after, last, before)?;
        let entries = parked::read(context.data_unchecked::<Database>(), &page).await?;
        Ok(entries.into_list(|parked| (parked.place(), parked)))
    }

    /// The latest rebuild of each read model that administrators have ordered.
    #[graphql(guard = "Auditors")]
    async fn rebuilds(&self, context: &Context<'_>) -> Result<Vec<RebuildJob>> {
        Ok(rebuild::all(backend(context)).await?)
    }

    /// The nodes that run, by when they started.
    #[graphql(guard = "Auditors")]
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<Node>> {
        Ok(node::all(backend(context)).await?)
    }

    /// Connections of clients on all nodes, or those of a user, by when they began.
    #[graphql(guard = "Auditors")]
    async fn connections(
        &self,
        context: &Context<'_>,
        user: Option<ID>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<ConnectionPlace, Connection>> {
        let user = user.map(|user| id::parse("user", &user)).transpose()?;
        let page = Page::parse(first, after, last, before)?;
        let entries = connection::read(backend(context), user, &page).await?;
        Ok(entries.into_list(|connection| (connection.place(), connection)))
    }

    /// What administrators did, oldest first.
    #[graphql(guard = "Auditors")]
    async fn audit(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<AuditPlace, Audit>> {
        let page = Page::parse(first, after, last, before)?;
        let entries = audit::read(backend(context), &page).await?;
        Ok(entries.into_list(|audit| (audit.place(), audit)))
    }

    /// What was announced to everybody, or is to be, oldest first.
    #[graphql(guard = "Auditors")]
    async fn announcements(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<AnnouncementPlace, Announcement>> {
        let page = Page::parse(first, after, last, before)?;
        let entries = announcement::read(context.data_unchecked::<Database>(), &page).await?;
        Ok(entries.into_list(|announcement| (announcement.place(), announcement)))
    }

    /// Events of the log by lane and position, or those of a conversation: all, or those by `user`, of a `kind`, not before `from` and
    /// before `to`. Those of reports and of what two people are to one another are left out. A page looks at 10,000 events at most.
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the field")]
    #[graphql(guard = "Auditors")]
    async fn events(
        &self,
        context: &Context<'_>,
        lane: Option<i32>,
        conversation: Option<ID>,
        user: Option<ID>,
        kind: Option<String>,
        from: Option<Time>,
        to: Option<Time>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<EventConnection> {
        let lane = lane
            .map(|lane| u8::try_from(lane).map_err(|_| Refusal::invalid("lane", "must be 0 to 255")))
            .transpose()?;
        let conversation = conversation
            .map(|conversation| id::parse("conversation", &conversation))
            .transpose()?;
        let user = user.map(|user| id::parse("user", &user)).transpose()?;
        let filter = EventFilter {
            lane,
            conversation,
            user,
            kind,
            from: from.map(|time| time.0),
            to: to.map(|time| time.0),
        };
        let page = Page::<EventPlace>::parse(first, after, None, None)?;
        let found = backend(context).events(filter, page.after.map(|place| place.0), page.size() + 1);
        Ok(EventConnection::of(&page, found.await?))
    }

    /// What happened to a message, also to one that was recalled. Null where the conversation has none of that id.
    #[graphql(guard = "Auditors")]
    async fn trace(
        &self,
        context: &Context<'_>,
        conversation: ID,
        message: ID,
    ) -> Result<Option<MessageTrace>> {
        let conversation = id::parse("conversation", &conversation)?;
        let message = id::parse("message", &message)?;
        let trace = backend(context).trace(conversation, message).await?;
        Ok(trace.map(MessageTrace))
    }

    /// The settings of the node that answers, by name, without secrets.
    #[graphql(guard = "Auditors")]
    async fn configuration(&self, context: &Context<'_>) -> Vec<Setting> {
        setting::all(backend(context))
    }

    /// The whole server in a few numbers.
    #[graphql(guard = "Auditors")]
    async fn stats(&self, context: &Context<'_>) -> Result<Stats> {
        let (database, freshness) = (
            context.data_unchecked::<Database>(),
            context.data_unchecked::<Freshness>(),
        );
        Ok(stats::read(database, freshness).await?)
    }

    /// People whose names to sign in with begin like `query`, or all, in the order of those names.
    #[graphql(guard = "Auditors")]
    async fn users(
        &self,
        context: &Context<'_>,
        query: Option<String>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<PersonPlace, User>> {
        let page = Page::parse(first, after, last, before)?;
        let entries = people::read(context.data_unchecked::<Database>(), query.as_deref(), &page).await?;
        Ok(entries.into_list(|user| (PersonPlace::of(&user.username), user)))
    }

    /// What members have reported, of which this has become, or all of it, in the order in which it came.
    async fn reports(
        &self,
        context: &Context<'_>,
        state: Option<ReportState>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<ReportPlace, Report>> {
        let page = Page::parse(first, after, last, before)?;
        let entries = report::read(context, state, &page).await?;
        Ok(entries.into_list(|report| (report.place(), report)))
    }
}

/// The server around the schema.
pub(super) fn backend<'a>(context: &Context<'a>) -> &'a dyn Backend {
    context.data_unchecked::<Arc<dyn Backend>>().as_ref()
}
