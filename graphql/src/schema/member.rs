//! Members of conversations.

use super::time::Time;
use super::user::{self, User};
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
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
