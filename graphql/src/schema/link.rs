//! Invite links of a group.

use super::cursor::MemberPlace;
use super::long::Long;
use super::page::{Entries, Page, gather, group};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::groups;
use uuid::Uuid;

/// A link by which people come into a group, as long as it is neither over nor used up. Nobody but its maker was told the secret.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct InviteLink {
    #[graphql(skip)]
    pub(crate) link: Uuid,
    #[graphql(skip)]
    by: Uuid,
    created_at: Time,
    until: Time,
    /// How often it may be used in all. Null where that is not counted.
    uses: Option<Long>,
    /// How often it was.
    used: Long,
}

#[ComplexObject]
impl InviteLink {
    async fn id(&self) -> ID {
        self.link.into()
    }

    /// Who made it.
    async fn by(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.by).await?)
    }
}

impl From<groups::Link> for InviteLink {
    fn from(found: groups::Link) -> Self {
        Self {
            link: found.link,
            by: found.by,
            created_at: Time(found.at),
            until: Time(found.until),
            uses: found.uses.map(Long),
            used: Long(found.used),
        }
    }
}

/// A page of a group's links, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LinkPage {
    pub(crate) conversation: Uuid,
    pub(crate) page: Page<MemberPlace>,
}

/// Reads pages of many groups at once. Whoever asks has made sure that the viewer may see them.
pub(crate) struct LinkPages(pub(super) Database);

impl Loader<LinkPage> for LinkPages {
    type Value = Entries<InviteLink>;

    async fn load(&self, keys: &[LinkPage]) -> Result<HashMap<LinkPage, Self::Value>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let of = keys.iter().map(|key| key.conversation).collect();
            let range = page.range(true, |place| place.0);
            let rows = self.0.ask(&groups::links(of, &range)).await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
