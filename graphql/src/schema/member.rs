//! Members of conversations.

use super::cursor::MemberPlace;
use super::page::{Entries, Page, gather, group, surroundings};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use std::collections::HashMap;
use tokio_postgres::Row;
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

impl Member {
    pub(crate) fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            user: row.try_get("user_id")?,
            role: MemberRole::named(row.try_get("role")?),
            joined_at: Time(row.try_get("joined_at")?),
        })
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
            let conversations: Vec<Uuid> = keys.iter().map(|key| key.conversation).collect();
            let (after, before) = (page.after.map(|place| place.0), page.before.map(|place| place.0));
            let sql = include_str!("member/page.sql").replace("{direction}", page.direction(true));
            let rows = self
                .0
                .rows(&sql, &[&conversations, &after, &before, &page.rows()], |row| {
                    let number: i64 = row.try_get("number")?;
                    let found: Option<Uuid> = row.try_get("user_id")?;
                    Ok((
                        number,
                        surroundings(row)?,
                        found.map(|_| Member::read(row)).transpose()?,
                    ))
                })
                .await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
