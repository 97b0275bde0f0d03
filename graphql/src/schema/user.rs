//! People, as any signed-in user may see them.

use super::attachment::Attachment;
use super::cursor::NAME_LEN_MAX;
use super::loaders::Loaders;
use super::presence;
use super::profile::{self, PersonName};
use super::setting::{self, UserSettings};
use super::time::Time;
use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use crate::freshness::{Freshness, heads};
use crate::loader::Loader;
use crate::viewer::overseer;
use async_graphql::{Context, ID, Result, SimpleObject};
use std::collections::HashMap;
use tidings_eventlog::record::lane_of;
use tidings_projections::conversations;
use tokio_postgres::Row;
use uuid::Uuid;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
#[graphql(complex)]
pub(crate) struct User {
    #[graphql(skip)]
    pub(crate) id: Uuid,
    /// The name to sign in with, unique whatever the case of its letters. Of a deleted account the id, which is no username.
    pub(crate) username: String,
    /// The name to show.
    pub(crate) display_name: String,
    /// Whether the account is deleted. What the person has said is shown as by a `deleted user`, who shows nothing else.
    pub(crate) is_deleted: bool,
}

#[async_graphql::ComplexObject]
impl User {
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// What the person tells of themselves.
    async fn about(&self, context: &Context<'_>) -> Result<Option<String>> {
        profile::about(context, self.id).await
    }

    /// The picture by which the person is shown.
    async fn avatar(&self, context: &Context<'_>) -> Result<Option<Attachment>> {
        profile::avatar(context, self.id).await
    }

    /// The newest twenty names that the person is shown under, or was, the newest first. Of a deleted account none.
    async fn names(&self, context: &Context<'_>) -> Result<Vec<PersonName>> {
        if self.is_deleted {
            return Ok(vec![]);
        }
        profile::names(context, self.id).await
    }

    /// What the viewer lets others do and know. Null of everybody else.
    async fn settings(&self, context: &Context<'_>) -> Result<Option<UserSettings>> {
        setting::of(context, self.id).await
    }

    /// Whether the person is there. Null for those who share no conversation with the viewer, and while the server does not know.
    async fn online(&self, context: &Context<'_>) -> Result<Option<bool>> {
        let seen = presence::seen(context, self.id).await?;
        Ok(seen.and_then(|seen| seen.online))
    }

    /// When the person was last there, who is not. Null for those who share no conversation with the viewer, where nobody knows, and
    /// where either of the two does not want it known.
    async fn last_seen(&self, context: &Context<'_>) -> Result<Option<Time>> {
        let seen = presence::seen(context, self.id).await?;
        Ok(seen.and_then(|seen| seen.last_seen))
    }

    /// Since when the person is suspended. Null for those who are not, and for whoever asks without a role.
    async fn suspended_at(&self, context: &Context<'_>) -> Result<Option<Time>> {
        if overseer(context).is_err() {
            return Ok(None);
        }
        let suspensions = &context.data_unchecked::<Loaders>().suspensions;
        Ok(suspensions.load_one(self.id).await?)
    }
}

impl User {
    /// Stands in for a person whom the read models do not know, or not yet: their messages are shown all the same.
    fn unknown(user: Uuid) -> Self {
        Self {
            id: user,
            username: user.to_string(),
            display_name: "Unknown".to_owned(),
            is_deleted: false,
        }
    }
}

/// The person who is part of something that is shown.
pub(crate) async fn part(context: &Context<'_>, user: Uuid) -> Result<User, NoAnswer> {
    let found = context.data_unchecked::<Loaders>().people.load_one(user).await?;
    Ok(found.unwrap_or_else(|| User::unknown(user)))
}

/// The people who are part of something that is shown, in the same order.
pub(crate) async fn parts(context: &Context<'_>, users: &[Uuid]) -> Result<Vec<User>, NoAnswer> {
    let people = &context.data_unchecked::<Loaders>().people;
    let mut found = people.load_many(users.iter().copied()).await?;
    let found = users
        .iter()
        .map(|user| found.remove(user).unwrap_or_else(|| User::unknown(*user)));
    Ok(found.collect())
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
    Ok(person(&database.after(&heads), user).await?)
}

/// The person of that id as the log knows them by now.
pub(crate) async fn anew(context: &Context<'_>, user: Uuid) -> Result<User, Refusal> {
    let (database, freshness) = (
        context.data_unchecked::<Database>(),
        context.data_unchecked::<Freshness>(),
    );
    let heads = heads(database, freshness, Some(lane_of(user))).await?;
    freshness.passed(&heads).await?;
    let found = person(&database.after(&heads), user).await?;
    Ok(found.unwrap_or_else(|| User::unknown(user)))
}

/// The person of that name. One who has just registered is waited for.
pub(crate) async fn by_name(context: &Context<'_>, username: &str) -> Result<Option<User>, Refusal> {
    let database = context.data_unchecked::<Database>();
    if let Some(found) = named(database, username).await? {
        return Ok(Some(found));
    }
    let freshness = context.data_unchecked::<Freshness>();
    let heads = heads(database, freshness, None).await?;
    freshness.passed(&heads).await?;
    Ok(named(&database.after(&heads), username).await?)
}

/// The id of whoever has that name, as far as the read models know.
pub(crate) async fn known_by_name(context: &Context<'_>, username: &str) -> Result<Option<Uuid>, Refusal> {
    let found = named(context.data_unchecked::<Database>(), username).await?;
    Ok(found.map(|user| user.id))
}

/// Reads people by id.
pub(crate) struct People(pub(super) Database);

impl Loader<Uuid> for People {
    type Value = User;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, User>, NoAnswer> {
        let people = self.0.ask(&conversations::people(ids.to_vec())).await?;
        Ok(people
            .into_iter()
            .map(|person| (person.id, person.into()))
            .collect())
    }
}

/// The person of that id, past any cache.
async fn person(database: &Database, user: Uuid) -> Result<Option<User>, NoAnswer> {
    let mut found = database.ask(&conversations::people(vec![user])).await?;
    Ok(found.pop().map(User::from))
}

/// The person of that name, whatever the case of its letters. Names are ASCII, so other letters that have an ASCII one as
/// their lower case are not folded.
async fn named(database: &Database, username: &str) -> Result<Option<User>, NoAnswer> {
    // PostgreSQL knows no text with a NUL in it.
    if username.len() > NAME_LEN_MAX || username.contains('\0') {
        return Ok(None);
    }
    let key = username.to_ascii_lowercase();
    let mut found = database.ask(&conversations::person_named(key)).await?;
    Ok(found.pop().map(User::from))
}

impl From<conversations::Person> for User {
    fn from(person: conversations::Person) -> Self {
        Self {
            id: person.id,
            username: person.username,
            display_name: person.display_name,
            is_deleted: person.is_deleted,
        }
    }
}

/// Reads a person who has an account.
pub(crate) fn read(row: &Row) -> Result<User, tokio_postgres::Error> {
    Ok(User {
        id: row.try_get("user_id")?,
        username: row.try_get("username")?,
        display_name: row.try_get("display_name")?,
        is_deleted: false,
    })
}

/// Reads since when people are suspended, those who are.
pub(crate) struct Suspensions(pub(super) Database);

impl Loader<Uuid> for Suspensions {
    type Value = Time;

    async fn load(&self, users: &[Uuid]) -> Result<HashMap<Uuid, Time>, NoAnswer> {
        let sql = "SELECT id, suspended_at FROM account WHERE id = ANY($1) AND suspended_at IS NOT NULL";
        let read = |row: &Row| Ok((row.try_get("id")?, Time(row.try_get("suspended_at")?)));
        Ok(self.0.rows(sql, &[&users], read).await?.into_iter().collect())
    }
}
