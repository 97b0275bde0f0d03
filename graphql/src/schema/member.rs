//! Members of conversations.

use super::cursor::MemberPlace;
use super::page::{Entries, Page, gather, group};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::conversations;
use uuid::Uuid;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum MemberRole {
    Owner,
    Admin,
    Member,
}

/// Somebody's membership of a conversation.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Member {
    #[graphql(skip)]
    pub(crate) user: Uuid,
    pub(crate) role: MemberRole,
    /// When they joined, the latest time.
    pub(crate) joined_at: Time,
}

#[ComplexObject]
impl Member {
    async fn user(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.user).await?)
    }
}

impl MemberRole {
    /// Reads a role. One that this version does not know grants nothing.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "owner" => Self::Owner,
            "admin" => Self::Admin,
            _ => Self::Member,
        }
    }
}

impl From<conversations::Member> for Member {
    fn from(found: conversations::Member) -> Self {
        Self {
            user: found.user,
            role: MemberRole::named(&found.role),
            joined_at: Time(found.joined_at),
        }
    }
}

/// Reads pages of current members, of many conversations at once. Whoever asks has made sure that the viewer is one of them.
pub(crate) struct MemberPages(pub(super) Database);

/// A page of a conversation's members, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MemberPage {
    pub(crate) conversation: Uuid,
    pub(crate) page: Page<MemberPlace>,
}

impl Loader<MemberPage> for MemberPages {
    type Value = Entries<Member>;

    async fn load(&self, keys: &[MemberPage]) -> Result<HashMap<MemberPage, Entries<Member>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let of = keys.iter().map(|key| key.conversation).collect();
            let range = page.range(true, |place| place.0);
            let rows = self.0.ask(&conversations::members(of, &range)).await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}

/// Somebody's membership of a conversation, by both ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MemberId {
    pub(crate) conversation: Uuid,
    pub(crate) user: Uuid,
}

/// Reads memberships by id, those that there are. Whoever asks has made sure that the viewer is a member, too.
pub(crate) struct Members(pub(super) Database);

impl Loader<MemberId> for Members {
    type Value = Member;

    async fn load(&self, ids: &[MemberId]) -> Result<HashMap<MemberId, Member>, NoAnswer> {
        let of = ids.iter().map(|id| id.conversation).collect();
        let users = ids.iter().map(|id| id.user).collect();
        let found = self.0.ask(&conversations::members_by_id(of, users)).await?;
        let found = found.into_iter().map(|(conversation, member)| {
            let user = member.user;
            (MemberId { conversation, user }, Member::from(member))
        });
        Ok(found.collect())
    }
}
