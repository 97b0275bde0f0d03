//! Who is muted or banned in a group.

use super::cursor::MemberPlace;
use super::page::{Entries, Page, gather, group};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::groups::{self, SanctionKind};
use uuid::Uuid;

/// Somebody who is muted or banned in a group, until that is ended or, where it ends by itself, a moment, which may be over where they are muted.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Sanction {
    #[graphql(skip)]
    pub(crate) user: Uuid,
    #[graphql(skip)]
    by: Uuid,
    /// Since when.
    at: Time,
    /// When it ends by itself. Null where it does not.
    until: Option<Time>,
    /// Why, where somebody said so.
    reason: Option<String>,
}

#[ComplexObject]
impl Sanction {
    async fn user(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.user).await?)
    }

    /// Who did it.
    async fn by(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.by).await?)
    }
}

impl From<groups::Sanction> for Sanction {
    fn from(found: groups::Sanction) -> Self {
        Self {
            user: found.user,
            by: found.by,
            at: Time(found.at),
            until: found.until.map(Time),
            reason: found.reason,
        }
    }
}

/// A page of those who are muted or banned in a group, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SanctionPage {
    pub(crate) conversation: Uuid,
    pub(crate) kind: SanctionKind,
    pub(crate) page: Page<MemberPlace>,
}

/// Reads pages of many groups at once. Whoever asks has made sure that the viewer may see them.
pub(crate) struct SanctionPages(pub(super) Database);

impl Loader<SanctionPage> for SanctionPages {
    type Value = Entries<Sanction>;

    async fn load(&self, keys: &[SanctionPage]) -> Result<HashMap<SanctionPage, Self::Value>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for kind in [SanctionKind::Muted, SanctionKind::Banned] {
            let of: Vec<SanctionPage> = keys.iter().filter(|key| key.kind == kind).cloned().collect();
            for (page, keys) in group(&of, |key| &key.page) {
                let of = keys.iter().map(|key| key.conversation).collect();
                let range = page.range(true, |place| place.0);
                let rows = self.0.ask(&groups::sanctions(of, kind, &range)).await?;
                pages.extend(gather(&keys, page, rows));
            }
        }
        Ok(pages)
    }
}
