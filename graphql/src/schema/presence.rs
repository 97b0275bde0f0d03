//! Who is there, of those whom the viewer may see: people who share a conversation with them, where no block stands between the two.

use super::loaders::Loaders;
use super::time::Time;
use crate::backend::Backend;
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::Context;
use futures_util::future::join_all;
use std::collections::HashMap;
use std::sync::Arc;
use tidings_projections::conversations;
use tidings_projections::people::{self, LastSeen};
use uuid::Uuid;

/// What the viewer may know of somebody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Nothing while the server does not know.
    pub(crate) online: Option<bool>,
    /// Of those who are not there, where they want it known.
    pub(crate) last_seen: Option<Time>,
}

/// What the viewer may know of somebody; nothing of whom they share no conversation with.
pub(crate) async fn seen(context: &Context<'_>, user: Uuid) -> Result<Option<Seen>, NoAnswer> {
    context.data_unchecked::<Loaders>().seen.load_one(user).await
}

/// Finds out how people are there.
pub(crate) struct SeenByViewer {
    pub(super) database: Database,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for SeenByViewer {
    type Value = Seen;

    async fn load(&self, users: &[Uuid]) -> Result<HashMap<Uuid, Seen>, NoAnswer> {
        let acquainted = conversations::acquainted(self.viewer, users.to_vec());
        let mut known = self.database.ask(&acquainted).await?;
        let apart = self
            .database
            .ask(&people::apart(self.viewer, known.clone()))
            .await?;
        known.retain(|user| !apart.contains(user));
        let mut of = known.clone();
        of.push(self.viewer);
        let last: HashMap<Uuid, LastSeen> = self
            .database
            .ask(&people::last_seen(of))
            .await?
            .into_iter()
            .collect();
        let shows = last.get(&self.viewer).is_none_or(|own| own.shown);
        let there = self.backend.there(known.clone()).await;
        let seen = known.into_iter().map(|user| {
            let online = there.get(&user).copied();
            let last = last.get(&user).filter(|_| online != Some(true));
            let last_seen = last.and_then(|last| last.told(shows)).map(Time);
            (user, Seen { online, last_seen })
        });
        Ok(seen.collect())
    }
}

/// Counts how many members of conversations are there. Whoever asks has made sure that the viewer is one.
pub(crate) struct OnlineCounts(pub(super) Arc<dyn Backend>);

impl Loader<Uuid> for OnlineCounts {
    type Value = i32;

    async fn load(&self, asked: &[Uuid]) -> Result<HashMap<Uuid, i32>, NoAnswer> {
        let counting = asked.iter().map(|conversation| self.0.online(*conversation));
        let counts = join_all(counting).await;
        let known = asked.iter().zip(counts);
        let known =
            known.filter_map(|(conversation, count)| Some((*conversation, i32::try_from(count?).ok()?)));
        Ok(known.collect())
    }
}
