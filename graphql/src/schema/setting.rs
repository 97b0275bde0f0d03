//! What the viewer wants of others.

use super::loaders::Loaders;
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use crate::viewer::viewer;
use async_graphql::{Context, Enum, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::people::{self, Settings};
use uuid::Uuid;

/// What somebody lets others do and know.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct UserSettings {
    /// Whether others see how far the user has read and been sent, and the user sees it of them.
    receipts: bool,
    /// Who sees when the user was last here.
    last_seen: Audience,
    /// Who may open a direct conversation with the user.
    direct: Audience,
    /// Who may put the user into a group without asking.
    add_me: Audience,
}

/// For whom something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "people::Audience")]
pub(crate) enum Audience {
    Everyone,
    /// Those who are in the user's contacts.
    Contacts,
    Nobody,
}

/// Reads what people want, of those who have said something.
pub(crate) struct SettingsOf(pub(super) Database);

impl Loader<Uuid> for SettingsOf {
    type Value = Settings;

    async fn load(&self, users: &[Uuid]) -> Result<HashMap<Uuid, Settings>, NoAnswer> {
        let found = self.0.ask(&people::settings(users.to_vec())).await?;
        Ok(found.into_iter().collect())
    }
}

/// What `user` wants, where it is the viewer who asks.
pub(super) async fn of(context: &Context<'_>, user: Uuid) -> Result<Option<UserSettings>> {
    if viewer(context)?.user != user {
        return Ok(None);
    }
    let settings = &context.data_unchecked::<Loaders>().settings;
    let settings = settings.load_one(user).await?.unwrap_or_default();
    Ok(Some(UserSettings {
        receipts: settings.receipts,
        last_seen: settings.last_seen.into(),
        direct: settings.direct.into(),
        add_me: settings.add_me.into(),
    }))
}
