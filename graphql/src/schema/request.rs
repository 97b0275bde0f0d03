//! Those who ask to be let into a group.

use super::cursor::MemberPlace;
use super::page::{Entries, Page, gather, group};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::groups;
use uuid::Uuid;

/// Somebody who asks to be let into a group.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct JoinRequest {
    #[graphql(skip)]
    pub(crate) user: Uuid,
    /// Since when.
    at: Time,
}

#[ComplexObject]
impl JoinRequest {
    async fn user(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.user).await?)
    }
}

impl From<groups::JoinRequest> for JoinRequest {
    fn from(found: groups::JoinRequest) -> Self {
        Self {
            user: found.user,
            at: Time(found.at),
        }
    }
}

/// A page of those who ask to be let into a group, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestPage {
    pub(crate) conversation: Uuid,
    pub(crate) page: Page<MemberPlace>,
}

/// Reads pages of many groups at once. Whoever asks has made sure that the viewer may see them.
pub(crate) struct RequestPages(pub(super) Database);

impl Loader<RequestPage> for RequestPages {
    type Value = Entries<JoinRequest>;

    async fn load(&self, keys: &[RequestPage]) -> Result<HashMap<RequestPage, Self::Value>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let of = keys.iter().map(|key| key.conversation).collect();
            let range = page.range(true, |place| place.0);
            let rows = self.0.ask(&groups::requests(of, &range)).await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
