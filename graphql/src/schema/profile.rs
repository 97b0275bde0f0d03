//! What people show of themselves beside their name.

use super::attachment::Attachment;
use super::loaders::Loaders;
use super::time::Time;
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{Context, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::people::{self, Profile};
use uuid::Uuid;

/// The most names that are shown of one person, the newest.
pub(crate) const NAMES_MAX: usize = 20;

/// A name that somebody is shown under, or was.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PersonName {
    display_name: String,
    /// Since when.
    since: Time,
}

/// Reads what people show.
pub(crate) struct Profiles(pub(super) Database);

impl Loader<Uuid> for Profiles {
    type Value = Profile;

    async fn load(&self, users: &[Uuid]) -> Result<HashMap<Uuid, Profile>, NoAnswer> {
        let found = self.0.ask(&people::profiles(users.to_vec())).await?;
        Ok(found.into_iter().collect())
    }
}

/// Reads the names that people had.
pub(crate) struct Names(pub(super) Database);

impl Loader<Uuid> for Names {
    type Value = Vec<PersonName>;

    async fn load(&self, users: &[Uuid]) -> Result<HashMap<Uuid, Vec<PersonName>>, NoAnswer> {
        let found = self
            .0
            .ask(&people::names(users.to_vec(), NAMES_MAX as i64))
            .await?;
        let mut names: HashMap<Uuid, Vec<PersonName>> = HashMap::new();
        for (user, name) in found {
            names.entry(user).or_default().push(PersonName {
                display_name: name.display_name,
                since: Time(name.at),
            });
        }
        Ok(names)
    }
}

/// What somebody tells of themselves; nothing is null.
pub(super) async fn about(context: &Context<'_>, user: Uuid) -> Result<Option<String>> {
    let profile = profile(context, user).await?;
    Ok(profile
        .map(|profile| profile.about)
        .filter(|about| !about.is_empty()))
}

/// The picture of somebody.
pub(super) async fn avatar(context: &Context<'_>, user: Uuid) -> Result<Option<Attachment>> {
    let Some(avatar) = profile(context, user).await?.and_then(|profile| profile.avatar) else {
        return Ok(None);
    };
    let attachments = &context.data_unchecked::<Loaders>().attachments;
    Ok(attachments.load_one(avatar).await?)
}

/// The newest names of somebody, the newest first.
pub(super) async fn names(context: &Context<'_>, user: Uuid) -> Result<Vec<PersonName>> {
    let names = &context.data_unchecked::<Loaders>().names;
    Ok(names.load_one(user).await?.unwrap_or_default())
}

async fn profile(context: &Context<'_>, user: Uuid) -> Result<Option<Profile>, NoAnswer> {
    context.data_unchecked::<Loaders>().profiles.load_one(user).await
}
