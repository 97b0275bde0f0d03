//! What administrators see of the whole server.

mod parked;
mod people;
mod projection;
mod stats;

use super::cursor::{ParkedPlace, PersonPlace};
use super::page::{List, Page};
use super::user::User;
use crate::database::Database;
use crate::freshness::Freshness;
use async_graphql::{Context, Object, Result};
use parked::Parked;
use projection::ProjectionStatus;
use stats::Stats;

/// The administration. Whoever has it is an administrator.
pub(crate) struct Admin;

#[Object]
impl Admin {
    /// The read models, by name.
    async fn projections(&self, context: &Context<'_>) -> Vec<ProjectionStatus> {
        projection::all(context.data_unchecked::<Freshness>())
    }

    /// Events that could not be folded into a read model and wait, with the later ones of their streams: by read model and
    /// position.
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

    /// The whole server in a few numbers.
    async fn stats(&self, context: &Context<'_>) -> Result<Stats> {
        let (database, freshness) = (
            context.data_unchecked::<Database>(),
            context.data_unchecked::<Freshness>(),
        );
        Ok(stats::read(database, freshness).await?)
    }

    /// People whose names to sign in with begin like `query`, or all, in the order of those names.
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
}
