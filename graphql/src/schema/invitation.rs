//! Invitations into groups: those of a group, for its owners and admins, and those that the viewer was told of.

use super::cursor::{InvitationPlace, MemberPlace};
use super::page::{Entries, Page, gather, group};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::groups;
use uuid::Uuid;

/// Somebody who is invited into a group by somebody, and has not answered.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Invitation {
    #[graphql(skip)]
    user: Uuid,
    #[graphql(skip)]
    by: Uuid,
    /// Since when.
    at: Time,
    until: Time,
}

#[ComplexObject]
impl Invitation {
    async fn user(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.user).await?)
    }

    /// Who invites them.
    async fn by(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.by).await?)
    }
}

impl Invitation {
    /// Where it stands in the list of its group.
    pub(crate) fn place(&self) -> InvitationPlace {
        InvitationPlace {
            user: self.user,
            by: self.by,
        }
    }
}

impl From<groups::Invitation> for Invitation {
    fn from(found: groups::Invitation) -> Self {
        Self {
            user: found.user,
            by: found.by,
            at: Time(found.at),
            until: Time(found.until),
        }
    }
}

/// A group into which the viewer is invited, of which they see no more than this. Where several invite them, it is there once.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct GroupInvitation {
    #[graphql(skip)]
    pub(crate) conversation: Uuid,
    /// What it was called then.
    name: String,
    #[graphql(skip)]
    by: Uuid,
    /// Since when.
    at: Time,
    until: Time,
}

#[ComplexObject]
impl GroupInvitation {
    /// The group's id, by which the invitation is answered.
    async fn conversation(&self) -> ID {
        self.conversation.into()
    }

    /// Who invites the viewer, and of several whom the viewer was told of first. Nobody whom the viewer blocks.
    async fn by(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.by).await?)
    }
}

impl From<groups::Invited> for GroupInvitation {
    fn from(found: groups::Invited) -> Self {
        Self {
            conversation: found.conversation,
            name: found.name,
            by: found.by,
            at: Time(found.at),
            until: Time(found.until),
        }
    }
}

/// A page of the invitations into a group, in the order of the ids of who is invited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InvitationPage {
    pub(crate) conversation: Uuid,
    pub(crate) page: Page<InvitationPlace>,
}

/// Reads pages of many groups at once. Whoever asks has made sure that the viewer may see them.
pub(crate) struct InvitationPages(pub(super) Database);

impl Loader<InvitationPage> for InvitationPages {
    type Value = Entries<Invitation>;

    async fn load(&self, keys: &[InvitationPage]) -> Result<HashMap<InvitationPage, Self::Value>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let of = keys.iter().map(|key| key.conversation).collect();
            let range = page.range(true, |place| (place.user, place.by));
            let rows = self.0.ask(&groups::invitations(of, &range)).await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}

/// Reads pages of the groups into which the viewer is invited, in the order of their ids.
pub(crate) struct InvitedPages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Page<MemberPlace>> for InvitedPages {
    type Value = Entries<GroupInvitation>;

    async fn load(
        &self,
        keys: &[Page<MemberPlace>],
    ) -> Result<HashMap<Page<MemberPlace>, Self::Value>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for page in keys {
            let range = page.range(true, |place| place.0);
            let asked = groups::invited(vec![self.viewer], &range);
            let rows = self.database.ask(&asked).await?;
            pages.extend(gather(&[page], page, rows));
        }
        Ok(pages)
    }
}
