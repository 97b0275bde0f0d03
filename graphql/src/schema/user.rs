//! People, as any signed-in user may see them.

use super::loaders::{self, Loaders};
use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use crate::freshness::{Freshness, heads};
use async_graphql::{Context, ID, SimpleObject};
use tidings_eventlog::record::lane_of;
use uuid::Uuid;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
#[graphql(complex)]
pub(crate) struct User {
    #[graphql(skip)]
    pub(crate) id: Uuid,
    /// The name to sign in with, unique whatever the case of its letters.
    pub(crate) username: String,
    /// The name to show.
    pub(crate) display_name: String,
}

#[async_graphql::ComplexObject]
impl User {
    async fn id(&self) -> ID {
        self.id.into()
    }
}

impl User {
    /// Stands in for a person whom the read models do not know, or not yet: their messages are shown all the same.
    fn unknown(user: Uuid) -> Self {
        Self {
            id: user,
            username: user.to_string(),
            display_name: "Unknown".to_owned(),
        }
    }
}

/// The person who is part of something that is shown.
pub(crate) async fn part(context: &Context<'_>, user: Uuid) -> Result<User, NoAnswer> {
    let found = context.data_unchecked::<Loaders>().people.load_one(user).await?;
    Ok(found.unwrap_or_else(|| User::unknown(user)))
}

/// The person of that id. One who has just registered is waited for.
pub(crate) async fn by_id(context: &Context<'_>, user: Uuid) -> Result<Option<User>, Refusal> {
    let people = &context.data_unchecked::<Loaders>().people;
    if let Some(found) = people.load_one(user).await? {
        return Ok(Some(found));
    }
    let (database, freshness) = (
        context.data_unchecked::<Database>(),
        context.data_unchecked::<Freshness>(),
    );
    if !freshness.has_lane(lane_of(user)) {
        return Ok(None);
    }
    let heads = heads(database, freshness, Some(lane_of(user))).await?;
    freshness.passed(&heads).await?;
    Ok(loaders::person(&database.after(&heads), user).await?)
}

/// The person of that name. One who has just registered is waited for.
pub(crate) async fn by_name(context: &Context<'_>, username: &str) -> Result<Option<User>, Refusal> {
    let database = context.data_unchecked::<Database>();
    if let Some(found) = loaders::named(database, username).await? {
        return Ok(Some(found));
    }
    let freshness = context.data_unchecked::<Freshness>();
    let heads = heads(database, freshness, None).await?;
    freshness.passed(&heads).await?;
    Ok(loaders::named(&database.after(&heads), username).await?)
}
