//! Who is there, of those whom the viewer may see: people who share a conversation with them. Where a block stands between the two, either is
//! shown to the other as if they were invisible.

use super::loaders::Loaders;
use super::time::Time;
use crate::backend::Backend;
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::Context;
use futures_util::future::try_join_all;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tidings_projections::conversations;
use tidings_projections::people::{self, LastSeen, NAMED_MEMBERS_MAX};
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
        let known = self.database.ask(&acquainted).await?;
        let apart = self
            .database
            .ask(&people::apart(self.viewer, known.clone()))
            .await?;
        let contacts = self
            .database
            .ask(&people::contacts_among(self.viewer, known.clone()))
            .await?;
        let mut of = known.clone();
        of.push(self.viewer);
        let last: HashMap<Uuid, LastSeen> = self
            .database
            .ask(&people::last_seen(of))
            .await?
            .into_iter()
            .collect();
        let shows = last.get(&self.viewer).map(|own| own.shown_to).unwrap_or_default();
        // Those apart are asked about like others: where nobody knows who is there, it is not known of them.
        let there = self.backend.there(known.clone()).await;
        let seen = known.into_iter().map(|user| {
            let is_apart = apart.contains(&user);
            let online = there.get(&user).map(|there| *there && !is_apart);
            let last = last.get(&user).filter(|_| online != Some(true) && !is_apart);
            let last_seen = last.and_then(|last| last.told(shows, contacts.contains(&user)));
            let last_seen = last_seen.map(Time);
            (user, Seen { online, last_seen })
        });
        Ok(seen.collect())
    }
}

/// Counts how many members of conversations are there. Whoever asks has made sure that the viewer is one.
pub(crate) struct OnlineCounts {
    pub(super) database: Database,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) viewer: Uuid,
}

impl OnlineCounts {
    /// Counts those of one conversation who are shown to the viewer to be there, which those in `apart` are not. In large ones, where nobody
    /// is named, all count.
    async fn count(
        &self,
        conversation: Uuid,
        apart: Option<&HashSet<Uuid>>,
    ) -> Result<Option<usize>, NoAnswer> {
        let Some(apart) = apart else {
            return Ok(self.backend.online(conversation).await);
        };
        let members = conversations::member_ids(conversation, NAMED_MEMBERS_MAX + 1);
        let mut members = self.database.ask(&members).await?;
        if members.len() > NAMED_MEMBERS_MAX {
            return Ok(self.backend.online(conversation).await);
        }
        members.retain(|member| !apart.contains(member));
        let there = self.backend.there(members.clone()).await;
        let is_known = there.len() == members.len();
        Ok(is_known.then(|| there.values().filter(|there| **there).count()))
    }
}

impl Loader<Uuid> for OnlineCounts {
    type Value = i32;

    async fn load(&self, asked: &[Uuid]) -> Result<HashMap<Uuid, i32>, NoAnswer> {
        let select = people::apart_in(self.viewer, asked.to_vec(), NAMED_MEMBERS_MAX);
        let mut apart: HashMap<Uuid, HashSet<Uuid>> = HashMap::new();
        for (conversation, user) in self.database.ask(&select).await? {
            apart.entry(conversation).or_default().insert(user);
        }
        let counting = asked
            .iter()
            .map(|conversation| self.count(*conversation, apart.get(conversation)));
        let counts = try_join_all(counting).await?;
        let known = asked.iter().zip(counts);
        let known =
            known.filter_map(|(conversation, count)| Some((*conversation, i32::try_from(count?).ok()?)));
        Ok(known.collect())
    }
}
